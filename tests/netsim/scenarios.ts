/** Random hosts, networks and scripts, as bad as a scenario asks for. */

import type { TcpOptions } from "../../src/stack/tcp/connection.ts";
import { Endpoint, PLAIN_SCRIPT, type Script } from "./endpoint.ts";
import { type PathOptions, PERFECT } from "./path.ts";
import type { Random } from "./random.ts";
import { type Flow, Simulation, type SimulationOptions, TCP_OPTIONS } from "./simulation.ts";

export interface Trouble {
  /** The highest loss, 0–1; the seed decides how much of it. */
  readonly loss?: number;
  readonly duplication?: number;
  readonly corruption?: number;
  readonly reordering?: number;
  readonly jitter?: number;
  readonly longestDelay?: number;
  readonly linkFull?: number;
}

export function randomPath(random: Random, trouble: Trouble): PathOptions {
  return {
    ...PERFECT,
    delay: random.between(0.05, trouble.longestDelay ?? 60),
    jitter: random.between(0, trouble.jitter ?? 0),
    loss: random.between(0, trouble.loss ?? 0),
    duplication: random.between(0, trouble.duplication ?? 0),
    corruption: random.between(0, trouble.corruption ?? 0),
    reordering: random.between(0, trouble.reordering ?? 0),
    reorderDelay: random.between(0, 40),
    bandwidth: random.chance(0.3) ? Infinity : random.between(100, 12_500),
    queue: random.between(20_000, 400_000),
  };
}

export function randomOptions(
  random: Random,
  trouble: Trouble,
  tcp: Partial<TcpOptions> = {},
): SimulationOptions {
  const ipv6 = random.chance(0.5);
  const mtu = () => random.chance(0.7) ? 1500 : random.pick(ipv6 ? [1280, 9000] : [576, 9000]);
  const host = () => ({
    mtu: mtu(),
    vnet: random.chance(0.5),
    linkFull: random.between(0, trouble.linkFull ?? 0),
    tcp: {
      ...TCP_OPTIONS,
      ...tcp,
      flowBytes: random.pick([16_384, 65_535, 1 << 18, 1 << 20]),
      congestion: random.pick(["cubic", "newreno"] as const),
    },
  });
  return {
    client: host(),
    server: host(),
    up: randomPath(random, trouble),
    down: randomPath(random, trouble),
    ipv6,
    whole: random.chance(0.5),
  };
}

export function randomScript(random: Random, most: number, changes: Partial<Script> = {}): Script {
  return {
    ...PLAIN_SCRIPT,
    send: random.chance(0.1) ? random.below(3) : random.below(most),
    chunk: random.pick([600, 4_096, 65_536]),
    finish: random.pick(["when-sent", "after-peer"] as const),
    ...changes,
  };
}

/** Both ends of every flow have sent and received everything, and closed in order. */
export function checkComplete(simulation: Simulation): void {
  for (const [index, flow] of simulation.flows.entries()) {
    const server = servingEnd(flow);
    const facts: [string, unknown, unknown][] = [
      ["client", flow.client.outcome, "closed"],
      ["server", server?.outcome, "closed"],
      ["client's bytes", server?.bytesReceived, flow.clientScript.send],
      ["server's bytes", flow.client.bytesReceived, flow.serverScript.send],
      ["client heard FIN", flow.client.peerFinished, true],
      ["server heard FIN", server?.peerFinished, true],
    ];
    for (const [name, seen, wanted] of facts) {
      if (seen !== wanted) throw new Error(`flow ${index}: ${name}: ${seen} instead of ${wanted}`);
    }
  }
}

/** The one of the server's ends that the handshake was finished with. */
function servingEnd(flow: Flow): Endpoint | undefined {
  return flow.servers.find((end) => end.isConnected);
}
