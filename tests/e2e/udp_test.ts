/** UDP of many sizes where the proxy relays it; refused at once where it does not. */

import { assert, assertEquals } from "@std/assert";
import { e2eThrough, type TunnelCase } from "../support/e2e.ts";
import { WEB, WEB6 } from "../support/lab.ts";
import { dante, danteWithPassword, microsocks, sshDynamic, ztunSocks } from "../support/proxies.ts";
import { ECHO_PORT, echoSizes, startEcho } from "../support/udp_echo.ts";
import { program } from "../support/ztun.ts";

const SOME = "UDP echo of every 97th size from 0 to 65507, IPv4 and IPv6";

e2eThrough(SOME, ztunSocks, (it) => echoSizes(it, 97));
e2eThrough(`${SOME}, offload off`, ztunSocks, (it) => echoSizes(it, 97), {
  flags: ["--offload", "off"],
});
for (const proxy of [dante, danteWithPassword]) e2eThrough(SOME, proxy, (it) => echoSizes(it, 97));

/** Datagrams that the kernel, the tunnel and the proxy handle many at a time. */
async function echoBursts(it: TunnelCase): Promise<void> {
  await startEcho(it.lab);
  for (const address of [WEB, WEB6]) {
    const numbers = [ECHO_PORT, 10, 1, 64, 1_200, 1_400, 1_452, 1_500].map(String);
    const shown = await it.lab.client.must(program("udp_bursts.ts", address, ...numbers));
    assertEquals(shown, `${6 * 10 * 40} echoed\n`);
  }
}

const BURSTS = "UDP echo of bursts of one size, in order, IPv4 and IPv6";

for (const proxy of [ztunSocks, dante]) e2eThrough(BURSTS, proxy, echoBursts);
e2eThrough(`${BURSTS}, offload off`, ztunSocks, echoBursts, { flags: ["--offload", "off"] });
e2eThrough(`${BURSTS}, asynchronous`, ztunSocks, echoBursts, { flags: ["--engine", "async"] });

/** QUIC and the like fall back at once when they are told, and hang when they are not. */
async function refusedAtOnce({ lab }: TunnelCase): Promise<void> {
  await startEcho(lab);
  for (const address of [WEB, WEB6]) {
    const started = performance.now();
    const client = await lab.client.run(program("udp_refusal.ts", address, String(ECHO_PORT)));
    assertEquals(client.stdout, "ECONNREFUSED\n", client.stderr);
    assert(performance.now() - started < 10_000);
    const netcat = `echo x | nc.openbsd -u -w 5 ${address} ${ECHO_PORT}`;
    assertEquals((await lab.client.run(["sh", "-c", netcat])).stdout, "");
  }
}

for (const proxy of [microsocks, sshDynamic]) {
  e2eThrough("UDP without a relay: refused at once by ICMP, IPv4 and IPv6", proxy, refusedAtOnce);
}
e2eThrough("UDP switched off: refused at once by ICMP, IPv4 and IPv6", ztunSocks, refusedAtOnce, {
  flags: ["--udp", "off"],
});
