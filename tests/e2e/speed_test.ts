/**
 * One stream of iperf3 through the tunnel, beside the same stream without a tunnel through the same
 * proxy (proxychains) and without any proxy, in one run. It prints ratios, which carry over to other
 * machines, and gates nothing by them.
 */

import { assert } from "@std/assert";
import { IPERF_PORT, IperfServer } from "../support/destinations.ts";
import { type Case, e2e } from "../support/e2e.ts";
import { DESTINATIONS, PROXY, PROXY_PORT, WEB } from "../support/lab.ts";
import { Tunnel } from "../support/paths.ts";
import { dante, type Proxy, ztunSocks } from "../support/proxies.ts";
import { ztun } from "../support/ztun.ts";

type Way = "up" | "down";

interface Report {
  end: { sum_received?: { bits_per_second: number } };
}

const SECONDS = 3;

/** Gbit/s that the receiver saw. */
async function measure(
  { lab }: Case,
  server: IperfServer,
  way: Way,
  wrapper: readonly string[] = [],
): Promise<number> {
  await server.ready();
  const iperf = ["iperf3", "-c", WEB, "-p", String(IPERF_PORT), "-t", String(SECONDS), "-J"];
  const shown = await lab.client.must([...wrapper, ...iperf, ...way === "down" ? ["-R"] : []]);
  const report = JSON.parse(shown.slice(shown.indexOf("{"))) as Report;
  // A client that was interrupted reports no sum.
  const rate = (report.end.sum_received?.bits_per_second ?? 0) / 1e9;
  assert(rate > 0, shown);
  return rate;
}

async function compare(it: Case, proxy: Proxy): Promise<void> {
  const { lab, note } = it;
  const server = await IperfServer.start(lab);
  await proxy.start(lab);
  const config = `${lab.directory}/proxychains.conf`;
  const chain = `strict_chain\n[ProxyList]\nsocks5 ${PROXY} ${PROXY_PORT}\n`;
  await Deno.writeTextFile(config, chain);

  const [ipv4] = DESTINATIONS;
  for (const way of ["up", "down"] as const) {
    const chained = await measure(it, server, way, ["proxychains4", "-q", "-f", config]);
    const inExec = await measure(it, server, way, ztun("exec", "-q", ...proxy.flags(lab), "--"));
    const tunnel = await Tunnel.up(lab, proxy);
    const inUp = await measure(it, server, way);
    await tunnel.assertNothingLeft();
    await tunnel.down();
    await lab.client.ip(`route add ${ipv4} via ${PROXY}`);
    const direct = await measure(it, server, way);
    await lab.client.ip(`route del ${ipv4}`);
    const ratio = (rate: number) =>
      `${rate.toFixed(1)} (${(rate / chained).toFixed(2)} of proxychains, ${
        (rate / direct).toFixed(2)
      } of direct)`;
    note(
      `${way} Gbit/s: direct ${direct.toFixed(1)}, proxychains ${chained.toFixed(1)}, ` +
        `up ${ratio(inUp)}, exec ${ratio(inExec)}`,
    );
  }
}

for (const proxy of [ztunSocks, dante]) {
  e2e("one stream against no tunnel and no proxy", proxy.name, (it) => compare(it, proxy));
}
