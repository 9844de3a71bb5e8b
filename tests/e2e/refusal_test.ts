/** What cannot be connected looks through the tunnel as it does without one. */

import { assertEquals } from "@std/assert";
import { e2e, e2eThrough } from "../support/e2e.ts";
import { ABSENT, ABSENT6, type Lab, UNREACHABLE, UNREACHABLE6, WEB, WEB6 } from "../support/lab.ts";
import { routeDirectly, type UpOptions } from "../support/paths.ts";
import { dante, microsocks, sshDynamic, ztunSocks } from "../support/proxies.ts";
import { program } from "../support/ztun.ts";

const CLOSED_PORT = 9;
const SILENT_PORT = 9999;
const PATIENCE_MS = 1_500;

const ECONNREFUSED = "111";
const ENETUNREACH = "101";
const EHOSTUNREACH = "113";

const DESTINATIONS: readonly [name: string, host: string, port: number][] = [
  ["refused", WEB, CLOSED_PORT],
  ["refused, IPv6", WEB6, CLOSED_PORT],
  ["unreachable host", UNREACHABLE, 80],
  ["unreachable host, IPv6", UNREACHABLE6, 80],
  ["unreachable network", ABSENT, 80],
  ["unreachable network, IPv6", ABSENT6, 80],
  ["silent", WEB, SILENT_PORT],
  ["silent, IPv6", WEB6, SILENT_PORT],
];

const DIRECT: Readonly<Record<string, string>> = {
  "refused": ECONNREFUSED,
  "refused, IPv6": ECONNREFUSED,
  "unreachable host": EHOSTUNREACH,
  "unreachable host, IPv6": EHOSTUNREACH,
  "unreachable network": ENETUNREACH,
  "unreachable network, IPv6": ENETUNREACH,
  "silent": "silent",
  "silent, IPv6": "silent",
};

/** Nothing comes back from this port, neither an answer nor a refusal. */
async function silence(lab: Lab): Promise<void> {
  await lab.server.must(["nft", "-f", "-"], {
    input: `table inet silent {
  chain input { type filter hook input priority 0; tcp dport ${SILENT_PORT} drop; }
}`,
  });
}

async function outcomes(lab: Lab): Promise<Record<string, string>> {
  await silence(lab);
  const found = await Promise.all(DESTINATIONS.map(async ([name, host, port]) => {
    const command = program("connect_outcome.ts", host, String(port), String(PATIENCE_MS));
    const { stdout, stderr } = await lab.client.run(command);
    return [name, stdout.trim() || stderr];
  }));
  return Object.fromEntries(found);
}

e2e("refused, unreachable and silent ports", "no tunnel", async ({ lab }) => {
  await routeDirectly(lab);
  assertEquals(await outcomes(lab), DIRECT);
});

/** Nobody tells the tunnel that a client has lost patience; its own limit ends the attempt. */
const LIMIT: UpOptions = { flags: ["--proxy-handshake-timeout", "4s"] };

for (const proxy of [ztunSocks, dante, microsocks]) {
  e2eThrough(
    "refused, unreachable and silent ports, as without a tunnel",
    proxy,
    async ({ lab }) => {
      assertEquals(await outcomes(lab), DIRECT);
    },
    LIMIT,
  );
}

/** OpenSSH closes the connection whatever the reason: more than "refused" cannot be known. */
e2eThrough("refused, unreachable and silent ports", sshDynamic, async ({ lab }) => {
  const seen = await outcomes(lab);
  for (const [name, outcome] of Object.entries(seen)) {
    assertEquals(outcome, name.startsWith("silent") ? "silent" : ECONNREFUSED, name);
  }
}, LIMIT);
