/**
 * UDP one way, at a rate beyond what a tunnel in user space carries; what counts is what arrives. Sender
 * and receiver are the bench's own. iperf3 cannot speak to a SOCKS5 relay, so that there would be nothing
 * to compare with; it sends no segments; and without a bound (`-b 0`) it takes a whole core to make
 * datagrams that are dropped, which tells more of the scheduler than of the tunnel.
 */

import { WEB } from "../addresses.ts";
import { parseResult, type Result, resultOf } from "../load_result.ts";
import { program } from "../programs.ts";
import type { ScenarioName } from "../scenario_names.ts";
import { load, type Outcome, type Scenario, type Turn } from "./scenario.ts";

/** Datagrams per second. */
const RATE = 200_000;
/** Of 1400 bytes in one message: as many as 64 KiB hold, a relay's headers among them. */
const SEGMENTS = 45;

function datagrams(name: ScenarioName, size: number, segments: number): Scenario {
  return {
    name,
    controls: true,
    tunnel: "kept",
    measure: (turn) => measure(turn, size, segments),
  };
}

export const DATAGRAMS: readonly Scenario[] = [
  datagrams("udp-64", 64, 1),
  datagrams("udp-1400", 1400, 1),
  datagrams("udp-gso", 1400, SEGMENTS),
];

async function measure(turn: Turn, size: number, segments: number): Promise<Outcome> {
  const { lab, client, options } = turn;
  const receiver = lab.start("udp receiver", lab.server.within(program("udp_receive.ts", WEB)));
  try {
    const [, port] = await receiver.logged(/port (\d+)/);
    const target = [`${WEB}:${port}`, size, segments, RATE, options.seconds].map(String);
    const command = client.program("udp_send.ts", ...target);
    const sent: Count<"sent"> = parseResult(await load(turn, command));
    return outcome(sent, await resultOf(receiver), size);
  } finally {
    await receiver.kill();
  }
}

type Count<Name extends string> = Result<Name | "seconds">;

function outcome(sent: Count<"sent">, got: Count<"received">, size: number): Outcome {
  if (got.received === 0) throw new Error("nothing arrived");
  return {
    figures: {
      // Queues on the way go on delivering after the sender has ended.
      delivered: got.received / Math.max(got.seconds, sent.seconds),
      loss: Math.max(0, 1 - got.received / sent.sent) * 100,
      offered: sent.sent / sent.seconds,
    },
    gigabits: got.received * size * 8 / 1e9,
    requests: got.received,
  };
}
