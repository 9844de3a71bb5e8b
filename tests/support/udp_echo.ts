/** An echo server behind the tunnel, and datagrams of many sizes to it. */

import { assertEquals } from "@std/assert";
import type { TunnelCase } from "./e2e.ts";
import { WEB, WEB6 } from "./lab.ts";
import type { Stage } from "./stage.ts";
import { program } from "./ztun.ts";

export const ECHO_PORT = 7007;
const LARGEST = 65_507;
/** The relay is reached over IPv4, and a SOCKS5 header goes in front: 10 octets, with IPv6 22. */
const RELAYED = LARGEST - 10;
const RELAYED6 = LARGEST - 22;

export async function startEcho(lab: Stage): Promise<void> {
  const echo = lab.start(
    "udp echo",
    lab.server,
    program("udp_echo.ts", String(ECHO_PORT), WEB, WEB6),
  );
  await echo.logged(/ready/);
}

/** Every `step`th size that fits comes back, and what does not fit is refused. */
export async function echoSizes(it: TunnelCase, step: number): Promise<void> {
  await startEcho(it.lab);
  for (const [address, relayed] of [[WEB, RELAYED], [WEB6, RELAYED6]] as const) {
    const limit = it.tunnel === undefined ? LARGEST : relayed;
    const numbers = [ECHO_PORT, 0, LARGEST, step, limit].map(String);
    const shown = await it.lab.client.must(program("udp_sizes.ts", address, ...numbers));
    const echoed = Math.floor(limit / step) + 1;
    assertEquals(shown, `${echoed} echoed, ${LARGEST - limit} refused\n`);
  }
}
