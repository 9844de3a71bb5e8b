/** The end of a tunnel: in order under load, at once when asked twice, and by a kill. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { startNginx, webRoot } from "../support/destinations.ts";
import { type Case, e2e } from "../support/e2e.ts";
import { ztun } from "../support/ztun.ts";
import { eventually } from "../support/eventually.ts";
import { type Lab, WEB } from "../support/lab.ts";
import { Tunnel } from "../support/paths.ts";
import type { Running } from "../support/process.ts";
import { ztunSocks } from "../support/proxies.ts";
import { makeFile, url } from "../support/transfer.ts";

const SIZE = 256 * 2 ** 20;
/** curl: the connection ended in order, before all of the file had come. */
const CURL_PARTIAL = 18;

/** Client side, tunnel and slow downloads in progress; and the host as it was before the tunnel. */
async function underLoad(it: Case, flags: string[] = []): Promise<[Tunnel, Running[], string]> {
  const { lab } = it;
  await startNginx(lab);
  await makeFile(`${webRoot(lab)}/big`, SIZE);
  await ztunSocks.start(lab);
  const before = await lab.client.picture();
  const tunnel = await Tunnel.up(lab, ztunSocks, { flags });
  assertNotEquals(await lab.client.picture(), before);
  const downloads = Array.from({ length: 4 }, (_, at) => slowDownload(lab, at));
  await eventually("the downloads to be under way", async () => {
    const started = downloads.every((_, at) => sizeOf(`${lab.directory}/part-${at}`) > 100_000);
    return started && (await tunnel.gauges()).tcpFlows === downloads.length ? true : undefined;
  });
  return [tunnel, downloads, before];
}

function slowDownload(lab: Lab, at: number): Running {
  const target = `${lab.directory}/part-${at}`;
  const command = ["curl", "-sS", "--no-buffer", "--limit-rate", "2M", "-o", target, url(4, "big")];
  return lab.start(`curl ${at}`, lab.client, command);
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  e2e(
    `${signal} under load: FIN to live flows, exit 0, device and routes gone`,
    "ztun socks",
    async (it) => {
      const [tunnel, downloads, before] = await underLoad(it);
      assertEquals((await tunnel.process.stop(signal, 15_000)).code, 0);
      assertEquals(await it.lab.client.picture(), before);
      for (const { ended } of downloads) assertEquals((await ended).code, CURL_PARTIAL);
    },
  );
}

e2e("a second signal ends at once", "ztun socks", async (it) => {
  const [tunnel, , before] = await underLoad(it, ["--grace", "10m"]);
  // A program that never ends its own direction keeps the first stop waiting.
  const script = `exec 3<>/dev/tcp/${WEB}/80; echo open; cat <&3; echo fin; exec sleep 600`;
  const holder = it.lab.start("holder", it.lab.client, ["bash", "-c", script]);
  await holder.logged(/open/);
  await eventually("its flow", async () => {
    return (await tunnel.gauges()).tcpFlows === 5 ? true : undefined;
  });
  tunnel.process.signal("SIGTERM");
  await holder.logged(/fin/);
  assert(tunnel.process.alive);
  const { code, signal } = await tunnel.process.stop("SIGTERM", 15_000);
  assertNotEquals(signal, "SIGKILL");
  assertNotEquals(code, null);
  assertEquals(await it.lab.client.picture(), before);
});

e2e(
  "SIGKILL under load leaves nothing that `cleanup` does not take away",
  "ztun socks",
  async (it) => {
    const [tunnel, , before] = await underLoad(it);
    await tunnel.process.stop("SIGKILL");
    await it.lab.client.must(ztun("cleanup"));
    await eventually("device and routes to be gone", async () => {
      return await it.lab.client.picture() === before ? true : undefined;
    });
    await Tunnel.up(it.lab, ztunSocks);
  },
);
