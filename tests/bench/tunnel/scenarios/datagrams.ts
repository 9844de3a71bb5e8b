/**
 * UDP one way, at the rate at which the most arrives: see `climb.ts`. Sender and receiver are the bench's
 * own. iperf3 cannot speak to a SOCKS5 relay, so that there would be nothing to compare with; it sends no
 * segments; and without a bound (`-b 0`) it takes a whole core to make datagrams that are dropped, which
 * tells more of the scheduler than of the tunnel. A bound that fits all would do the same to the slower
 * ones, which is why each gets its own.
 */

import { WEB } from "../addresses.ts";
import { climb, type Step } from "../climb.ts";
import { parseResult, type Result, resultOf } from "../load_result.ts";
import { program } from "../programs.ts";
import type { ScenarioName } from "../scenario_names.ts";
import { load, type Outcome, type Scenario, type Turn } from "./scenario.ts";

/** Datagrams per second of the first offer. */
const FIRST_RATE = 100_000;
/** Each offer lasts for so much of a sample's length. */
const STEP_SHARE = 1 / 3;
/** Of 1400 bytes in one message: as many as 64 KiB hold, a relay's headers among them. */
const SEGMENTS = 45;

/** One way of sending datagrams of `size` bytes. */
interface Stream {
  size: number;
  offer(turn: Turn, rate: number, seconds: number): Promise<Counts>;
}

interface Counts {
  sent: Count<"sent">;
  got: Count<"received">;
}

type Count<Name extends string> = Result<Name | "seconds">;

interface Offer extends Step {
  offered: number;
  /** Percent. */
  loss: number;
  received: number;
  cpuSeconds: number;
}

export const DATAGRAMS: readonly Scenario[] = [
  scenario("udp-64", up(64, 1)),
  scenario("udp-1400", up(1400, 1)),
  scenario("udp-gso", up(1400, SEGMENTS)),
  scenario("udp-64-down", down(64)),
  scenario("udp-1400-down", down(1400)),
];

function scenario(name: ScenarioName, stream: Stream): Scenario {
  return { name, controls: true, tunnel: "kept", measure: (turn) => measure(turn, stream) };
}

async function measure(turn: Turn, stream: Stream): Promise<Outcome> {
  const best = await climb(FIRST_RATE, (rate) => step(turn, stream, rate));
  if (best.received === 0) throw new Error("nothing arrived");
  const { delivered, loss, offered, received, cpuSeconds } = best;
  return {
    figures: { delivered, loss, offered },
    gigabits: received * stream.size * 8 / 1e9,
    requests: received,
    cpuSeconds,
  };
}

async function step(turn: Turn, stream: Stream, rate: number): Promise<Offer> {
  const tree = turn.client.tunnel?.tree();
  const before = tree?.cpuSeconds() ?? 0;
  const { sent, got } = await stream.offer(turn, rate, turn.options.seconds * STEP_SHARE);
  return {
    // Queues on the way go on delivering after the sender has ended.
    delivered: got.received / Math.max(got.seconds, sent.seconds),
    offered: sent.sent / sent.seconds,
    loss: Math.max(0, 1 - got.received / sent.sent) * 100,
    received: got.received,
    cpuSeconds: (tree?.cpuSeconds() ?? 0) - before,
  };
}

function up(size: number, segments: number): Stream {
  return {
    size,
    offer: async (turn, rate, seconds) => {
      const [sent, got] = await exchange<"sent", "received">(
        turn,
        ["udp_up_client.ts", [size, segments, rate, seconds]],
        ["udp_up_server.ts", []],
      );
      return { sent, got };
    },
  };
}

function down(size: number): Stream {
  return {
    size,
    offer: async (turn, rate, seconds) => {
      const [got, sent] = await exchange<"received", "sent">(
        turn,
        ["udp_down_client.ts", []],
        ["udp_down_server.ts", [size, rate, seconds]],
      );
      return { sent, got };
    },
  };
}

type Command = readonly [name: string, numbers: readonly number[]];

/** Runs a client against a server, and gives what both have counted. */
async function exchange<C extends string, S extends string>(
  turn: Turn,
  [clientName, clientNumbers]: Command,
  [serverName, serverNumbers]: Command,
): Promise<[Count<C>, Count<S>]> {
  const { lab, client } = turn;
  const server = program(serverName, WEB, ...serverNumbers.map(String));
  const running = lab.start(serverName, lab.server.within(server));
  try {
    const [, port] = await running.logged(/port (\d+)/);
    const command = client.program(clientName, `${WEB}:${port}`, ...clientNumbers.map(String));
    const counted = parseResult<C | "seconds">(await load(turn, command));
    return [counted, await resultOf<S | "seconds">(running)];
  } finally {
    await running.kill();
  }
}
