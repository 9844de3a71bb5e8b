/** The proxy is killed under load, and comes back: what went through it fails, nothing else, no leak. */

import { assertEquals, assertNotEquals } from "@std/assert";
import { startNames, startNginx, webRoot } from "../support/destinations.ts";
import { e2e } from "../support/e2e.ts";
import { eventually } from "../support/eventually.ts";
import { type Lab, NAMES, WEB } from "../support/lab.ts";
import { Tunnel } from "../support/paths.ts";
import type { Running } from "../support/process.ts";
import { dante, microsocks, type Proxy, sshDynamic, ztunSocks } from "../support/proxies.ts";
import { makeFile, transferBothWays, url } from "../support/transfer.ts";

const SIZE = 512 * 2 ** 20;
const DOWNLOADS = 20;
const ROUNDS = 2;

/** Enough to be going on when the kill comes; none can be complete by then. */
function startDownloads(lab: Lab): Running[] {
  return Array.from({ length: DOWNLOADS }, (_, at) => {
    const command = ["curl", "-sS", "--limit-rate", "5M", "-o", "/dev/null", url(4, "big")];
    return lab.start(`curl ${at}`, lab.client, command);
  });
}

async function killAndRestart(lab: Lab, proxy: Proxy): Promise<void> {
  await startNginx(lab);
  await startNames(lab);
  await makeFile(`${webRoot(lab)}/big`, SIZE);
  let server = await proxy.start(lab);
  const tunnel = await Tunnel.up(lab, proxy);
  for (let round = 0; round < ROUNDS; round++) {
    const downloads = startDownloads(lab);
    await eventually("the downloads to be under way", async () => {
      return (await tunnel.gauges()).tcpFlows === DOWNLOADS ? true : undefined;
    });
    await server.kill();
    for (const { ended } of downloads) assertNotEquals((await ended).code, 0);
    const whileDead = await lab.client.run(["curl", "-sS", "-m", "20", url(4, "small")]);
    assertNotEquals(whileDead.code, 0);
    server = await proxy.start(lab);
    await transferBothWays(lab, 2 ** 20);
    const answer = await lab.client.must([
      "dig",
      "+short",
      "+time=3",
      "+tries=5",
      `@${NAMES}`,
      "web.test",
    ]);
    assertEquals(answer, `${WEB}\n`);
  }
  await tunnel.assertNothingLeft();
  await tunnel.down();
}

for (const proxy of [ztunSocks, dante, microsocks, sshDynamic]) {
  e2e(
    "the proxy killed and restarted under load, twice",
    proxy.name,
    ({ lab }) => killAndRestart(lab, proxy),
  );
}
