/** How connections begin and end: in every order, in the middle of everything, or not at all. */

import type { Endpoint, Outcome } from "./endpoint.ts";
import { PERFECT } from "./path.ts";
import type { Random } from "./random.ts";
import { checkComplete, randomOptions, randomScript, type Trouble } from "./scenarios.ts";
import { simulate } from "./seeds.ts";
import { beginAt } from "./sequence_wrap.ts";
import { Simulation } from "./simulation.ts";

const TROUBLE: Trouble = { loss: 0.05, reordering: 0.05, duplication: 0.05, jitter: 5 };

function begin(random: Random, trouble: Trouble = TROUBLE): Simulation {
  const simulation = new Simulation(random, randomOptions(random, trouble));
  simulation.serve();
  return simulation;
}

/** Both ends of every flow are told of an end that is among those expected. */
function checkOutcomes(simulation: Simulation, expected: readonly Outcome[]): void {
  const check = (end: Endpoint) => {
    if (!expected.includes(end.outcome)) throw new Error(`an end was told "${end.outcome}"`);
  };
  for (const flow of simulation.flows) {
    check(flow.client);
    flow.servers.forEach(check);
  }
}

simulate("both ends close at once", 30, (random) => {
  const simulation = begin(random);
  const send = random.below(5_000);
  const script = randomScript(random, 1, { send, finish: "when-sent" });
  simulation.open(script, { ...script, send: send + random.below(3) });
  simulation.run();
  checkComplete(simulation);
});

simulate("half-closed, data still flows the other way", 30, (random) => {
  const simulation = begin(random);
  const early = randomScript(random, 2, { finish: "when-sent" });
  const late = randomScript(random, 500_000, { finish: random.pick(["when-sent", "after-peer"]) });
  const swapped = random.chance(0.5);
  simulation.open(swapped ? late : early, swapped ? early : late);
  simulation.run();
  checkComplete(simulation);
});

simulate("opened from both ends at once", 30, (random) => {
  const options = randomOptions(random, {});
  const path = { ...PERFECT, delay: random.between(1, 50) };
  const simulation = new Simulation(random, { ...options, up: path, down: path });
  const script = randomScript(random, 50_000, { finish: "when-sent" });
  simulation.openFromBothEnds(script, script, random.between(0, path.delay * 0.99));
  simulation.run();
  checkComplete(simulation);
});

simulate("sequence numbers wrap", 30, (random) => {
  const simulation = begin(random);
  const near = () => 0x1_0000_0000 - random.below(150_000) - 1;
  const { localAddress, localPort, remoteAddress, remotePort } = simulation.endpoints(0);
  const mirrored = {
    localAddress: remoteAddress,
    localPort: remotePort,
    remoteAddress: localAddress,
    remotePort: localPort,
  };
  beginAt(simulation.client, simulation.endpoints(0), near(), 0);
  beginAt(simulation.server, mirrored, near(), 0);
  const script = randomScript(random, 1, { send: 400_000, finish: "when-sent" });
  const flow = simulation.open(script, { ...script, finish: "after-peer" });
  let first = -1;
  simulation.clock.at(0, () => {
    simulation.client.stack.connections.forEach((connection) => first = connection.iss);
  });
  simulation.run();
  checkComplete(simulation);
  if (first < 0x8000_0000 || first + flow.client.sent < 0x1_0000_0000) {
    throw new Error(`the numbers did not wrap: ${first}`);
  }
});

simulate("a peer that vanishes", 40, (random) => {
  const simulation = begin(random);
  const script = randomScript(random, 2_000_000);
  simulation.open(script, randomScript(random, 2_000_000));
  simulation.clock.at(random.between(0, 2_000), () => {
    const which = random.below(3);
    if (which !== 1) simulation.up.isCut = true;
    if (which !== 0) simulation.down.isCut = true;
  });
  simulation.run();
  checkOutcomes(simulation, ["closed", "timed-out", "idle", "reset"]);
});

simulate("aborted in the middle", 60, (random) => {
  const simulation = begin(random);
  const abortAfter = random.below(200_000);
  const aborting = randomScript(random, 200_000, { abortAfter, finish: "when-sent" });
  const other = randomScript(random, 200_000);
  const swapped = random.chance(0.5);
  simulation.open(swapped ? other : aborting, swapped ? aborting : other);
  simulation.run();
  checkOutcomes(simulation, ["closed", "reset", "refused", "idle", "timed-out"]);
});

simulate("refused", 10, (random) => {
  const simulation = new Simulation(random, randomOptions(random, {}));
  const delay = random.between(0, 4_000);
  simulation.server.onOpened = (connection) => {
    simulation.clock.after(delay, () => simulation.server.act(() => connection.refuse()));
  };
  simulation.open(randomScript(random, 10), randomScript(random, 10));
  simulation.run();
  checkOutcomes(simulation, ["refused"]);
});

simulate("nobody answers", 5, (random) => {
  const simulation = begin(random);
  simulation.up.isCut = true;
  simulation.open(randomScript(random, 10), randomScript(random, 10));
  simulation.run();
  checkOutcomes(simulation, ["timed-out"]);
  if (simulation.clock.now < 60_000) throw new Error(`given up after ${simulation.clock.now} ms`);
});
