/** DNS over UDP where the proxy relays it, and over TCP through the proxy where it does not. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LONG_TEXT, startNames } from "../support/destinations.ts";
import { e2eThrough, type TunnelCase } from "../support/e2e.ts";
import { type Lab, NAMES, NAMES6, WEB, WEB6 } from "../support/lab.ts";
import { dante, danteWithPassword, microsocks, sshDynamic, ztunSocks } from "../support/proxies.ts";

const PARALLEL = 200;

function dig(lab: Lab, ...args: string[]): Promise<string> {
  return lab.client.must(["dig", "+time=5", "+tries=1", ...args]);
}

async function lookups({ lab }: TunnelCase): Promise<void> {
  await startNames(lab);
  for (const server of [NAMES, NAMES6]) {
    assertEquals(await dig(lab, `@${server}`, "+notcp", "+short", "web.test", "A"), `${WEB}\n`);
    assertEquals(await dig(lab, `@${server}`, "+notcp", "+short", "web.test", "AAAA"), `${WEB6}\n`);
  }
  assertStringIncludes(await dig(lab, `@${NAMES}`, "+notcp", "none.test", "A"), "status: NXDOMAIN");
  assertEquals(await dig(lab, `@${NAMES}`, "+tcp", "+short", "web.test", "A"), `${WEB}\n`);
}

/** 1 KB of text: too long without EDNS, so the answer is cut, and dig asks again over TCP. */
async function largeAnswers({ lab }: TunnelCase): Promise<void> {
  await startNames(lab);
  const whole = LONG_TEXT.map((text) => `"${text}"`).join(" ") + "\n";
  const cut = await dig(lab, `@${NAMES}`, "+notcp", "+noedns", "+ignore", "long.test", "TXT");
  assert(/flags:[a-z ]* tc/.test(cut), cut);
  assertEquals(await dig(lab, `@${NAMES}`, "+noedns", "+short", "long.test", "TXT"), whole);
  assertEquals(
    await dig(lab, `@${NAMES}`, "+notcp", "+bufsize=4096", "+short", "long.test", "TXT"),
    whole,
  );
}

/**
 * Each with a port of its own: dig allows others the port that the kernel chose for it (SO_REUSEPORT), and
 * of two at the same port one gets both answers.
 */
async function manyAtOnce({ lab }: TunnelCase): Promise<void> {
  await startNames(lab);
  const one = `dig -b 0.0.0.0#$((20000 + i)) +notcp +time=30 +tries=1 +short @${NAMES} web.test A`;
  const output = await lab.client.must(
    ["sh", "-c", `for i in $(seq ${PARALLEL}); do ${one} & done; wait`],
  );
  assertEquals(output, `${WEB}\n`.repeat(PARALLEL));
}

for (const proxy of [ztunSocks, dante, danteWithPassword]) {
  e2eThrough("DNS over UDP: A, AAAA, NXDOMAIN, IPv4 and IPv6 servers", proxy, lookups);
}
for (const proxy of [microsocks, sshDynamic]) {
  e2eThrough("DNS carried over TCP: A, AAAA, NXDOMAIN, IPv4 and IPv6 servers", proxy, lookups);
}
for (const proxy of [ztunSocks, dante, microsocks]) {
  e2eThrough("DNS answers over 512 bytes: cut, over TCP, with EDNS", proxy, largeAnswers);
  e2eThrough(`DNS: ${PARALLEL} queries at once`, proxy, manyAtOnce);
}
