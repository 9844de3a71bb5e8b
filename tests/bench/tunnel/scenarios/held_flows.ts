/** Connections that are opened, each proved by a byte, held idle, and closed: what they cost. */

import { descriptorLimit, nofile } from "../../../support/ztun.ts";
import { ECHO, PROXY, PROXY_PORT } from "../addresses.ts";
import type { BenchLab } from "../bench_lab.ts";
import { resultOf } from "../load_result.ts";
import type { ScenarioName } from "../scenario_names.ts";
import { type Outcome, pause, type Scenario, type Turn } from "./scenario.ts";

const OPEN_MS = 120_000;
const CLOSE_MS = 60_000;
const HOLD_SECONDS = 5;
/** Descriptors that a proxy needs besides the two of each flow. */
const SPARE = 200;

function heldFlows(name: ScenarioName, count: number): Scenario {
  return {
    name,
    controls: false,
    tunnel: "fresh",
    prepare: (lab) => shareProxy(lab, count),
    measure: (turn) => measure(turn, count),
  };
}

export const HELD_FLOWS: readonly Scenario[] = [
  heldFlows("flows-1000", 1000),
  heldFlows("flows-10000", 10_000),
];

async function measure({ lab, client, options }: Turn, count: number): Promise<Outcome> {
  const tree = client.tunnel!.tree();
  const before = tree.cpuSeconds();
  const command = nofile(client.program("hold_flows.ts", ECHO, String(count)));
  const holder = lab.start("holder", command, { stdin: "piped" });
  try {
    const { seconds } = await resultOf<"seconds">(holder, OPEN_MS);
    const open = tree.cpuSeconds();
    await pause(HOLD_SECONDS);
    // What it takes to hold them; what it took to open them is the peak's.
    const rssHeld = tree.residentMib();
    const held = tree.cpuSeconds();
    await holder.write("\n");
    await holder.logged(/released/, CLOSE_MS);
    await pause(options.settleSeconds);
    return {
      figures: {
        rssHeld,
        rssAfter: tree.residentMib(),
        flows: count / seconds,
        openCpu: (open - before) * 1000,
        holdCpu: (held - open) * 1000 / HOLD_SECONDS,
        releaseCpu: (tree.cpuSeconds() - held) * 1000,
      },
    };
  } finally {
    await holder.kill();
  }
}

/**
 * A proxy needs two descriptors per flow, and may not be given as many: then several servers share the
 * port of one.
 */
async function shareProxy(lab: BenchLab, flows: number): Promise<AsyncDisposable> {
  const servers = Math.ceil((2 * flows + SPARE) / descriptorLimit());
  if (servers === 1) return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const ports = Array.from({ length: servers }, (_, at) => PROXY_PORT + 1 + at);
  const running = await Promise.all(ports.map((port) => lab.startProxy(port)));
  const targets = ports.map((port, at) => `${at} : ${port}`).join(", ");
  await lab.server.must(["nft", "-f", "-"], {
    input: `table ip share {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr ${PROXY} tcp dport ${PROXY_PORT} dnat to ${PROXY} : numgen inc mod ${servers} map { ${targets} }
  }
}`,
  });
  return {
    [Symbol.asyncDispose]: async () => {
      await lab.server.must(["nft", "delete", "table", "ip", "share"]);
      for (const server of running) await server.kill();
    },
  };
}
