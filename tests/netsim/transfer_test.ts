/** Bytes cross bad networks whole, in both directions, and nothing is left over. */

import { checkComplete, randomOptions, randomScript, type Trouble } from "./scenarios.ts";
import type { TcpOptions } from "../../src/stack/tcp/connection.ts";
import { simulate } from "./seeds.ts";
import { Simulation } from "./simulation.ts";
import type { Random } from "./random.ts";

const MOST_BYTES = 400_000;

/** One packet in three gets no answer: six of those in a row are no reason to give up. */
const PATIENT = { giveUp: 3_600_000, idle: 7_200_000, halfClosed: 3_600_000, timeWait: 300_000 };

function transfer(random: Random, trouble: Trouble, tcp: Partial<TcpOptions> = {}): void {
  const simulation = new Simulation(random, randomOptions(random, trouble, tcp));
  simulation.serve();
  simulation.acceptDelay = random.chance(0.5) ? 0 : random.between(0, 3_000);
  // One end must speak first: two that wait for each other's FIN wait for ever.
  const up = randomScript(random, MOST_BYTES, { finish: "when-sent" });
  const down = randomScript(random, MOST_BYTES);
  const swapped = random.chance(0.5);
  simulation.open(swapped ? down : up, swapped ? up : down);
  simulation.run();
  // All six SYNs can be lost; whoever has heard of the other must bring everything across.
  if (!simulation.flows[0]!.client.isConnected && (trouble.loss ?? 0) > 0.1) return;
  checkComplete(simulation);
}

simulate("a good network", 10, (random) => transfer(random, {}));
simulate("loss up to 10 %", 20, (random) => transfer(random, { loss: 0.1 }));
simulate("loss up to 20 %", 20, (random) => transfer(random, { loss: 0.2 }, PATIENT));
simulate("reordering", 20, (random) => transfer(random, { reordering: 0.3, jitter: 10 }));
simulate("duplication", 20, (random) => transfer(random, { duplication: 0.3, jitter: 10 }));
simulate("corruption", 20, (random) => transfer(random, { corruption: 0.1 }));
simulate("a link that is often full", 20, (random) => transfer(random, { linkFull: 0.2 }, PATIENT));
simulate("everything at once", 40, (random) =>
  transfer(random, {
    loss: 0.1,
    duplication: 0.1,
    corruption: 0.05,
    reordering: 0.1,
    jitter: 20,
    longestDelay: 200,
    linkFull: 0.02,
  }));
