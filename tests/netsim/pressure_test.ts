/** Owners that do not keep up, memory that runs short, many flows, and a clock that jumps. */

import type { Script } from "./endpoint.ts";
import type { Random } from "./random.ts";
import { checkComplete, randomOptions, randomScript, type Trouble } from "./scenarios.ts";
import { simulate } from "./seeds.ts";
import { Simulation } from "./simulation.ts";

const HOUR = 3_600_000;
const TROUBLE: Trouble = { loss: 0.03, reordering: 0.03, duplication: 0.03, jitter: 3 };

/** A script whose owner is slow in one way or another, but takes everything in the end. */
function slowScript(random: Random): Partial<Script> {
  switch (random.below(3)) {
    case 0:
      return { pauseAfter: random.below(100_000), pauseFor: random.between(1_000, 60_000) };
    case 1:
      return { drip: 1 + random.below(40), dripEvery: random.between(0.5, 2), send: 4_000 };
    default:
      return { drip: random.below(20_000) + 1_000, dripEvery: random.between(1, 100) };
  }
}

simulate("zero windows", 30, (random) => {
  const simulation = new Simulation(random, randomOptions(random, TROUBLE));
  simulation.serve();
  const up = slowScript(random);
  const down = slowScript(random);
  // Who drips a few bytes at a time gets few, or nobody lives to see the end.
  const few = (slow: Partial<Script>) => (slow.drip ?? Infinity) < 100 ? 5_000 : 300_000;
  simulation.open(
    {
      ...randomScript(random, few(down)),
      ...up,
      send: random.below(few(down)),
      finish: "when-sent",
    },
    { ...randomScript(random, few(up)), ...down, send: random.below(few(up)) },
  );
  simulation.run();
  checkComplete(simulation);
});

simulate("owners that take only a part", 10, (random) => {
  const simulation = new Simulation(random, randomOptions(random, TROUBLE));
  simulation.serve();
  const takes = 500 + random.below(2_000);
  const script = randomScript(random, 1, { send: 100_000, takes, finish: "when-sent" });
  simulation.open(script, script);
  simulation.run();
  checkComplete(simulation);
});

simulate("byte by byte", 10, (random) => {
  const simulation = new Simulation(random, randomOptions(random, TROUBLE));
  simulation.serve();
  const script = randomScript(random, 1, { send: 3_000, chunk: 1, finish: "when-sent" });
  simulation.open(script, { ...script, think: random.pick([0, 1, 7]) });
  simulation.run();
  checkComplete(simulation);
});

simulate("many flows in little memory", 6, (random) => {
  const options = randomOptions(random, { ...TROUBLE, longestDelay: 20 });
  const little = { largeSlots: 48, smallSlots: 512 };
  const simulation = new Simulation(random, {
    ...options,
    client: { ...options.client, ...little },
    server: { ...options.server, ...little },
  });
  simulation.serve();
  for (let i = 0; i < 60; i++) {
    const slow = random.chance(0.2) ? { drip: 5_000, dripEvery: 20 } : {};
    simulation.open(
      randomScript(random, 60_000, { finish: "when-sent", ...slow }),
      randomScript(random, 60_000, slow),
      random.between(0, 500),
    );
  }
  simulation.run();
  checkComplete(simulation);
});

simulate("the clock jumps", 10, (random) => {
  const options = randomOptions(random, TROUBLE, { halfClosed: 2 * HOUR });
  const simulation = new Simulation(random, options);
  simulation.serve();
  const script = randomScript(random, 1, { send: 500_000, finish: "when-sent" });
  simulation.open(script, script);
  // An hour of sleep: everything that was to happen meanwhile happens at once.
  simulation.clock.at(random.between(50, 1_000), () => {
    simulation.client.clockOffset += HOUR;
    simulation.server.clockOffset += HOUR;
  });
  simulation.run();
  checkComplete(simulation);
});
