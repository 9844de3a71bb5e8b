/**
 * Loss, duplication, reordering and delay: between the local program and the tunnel, and between the
 * tunnel and its proxy. Every transfer is complete and right, whatever it takes.
 */

import { assert } from "@std/assert";
import {
  type Badness,
  behindBadLink,
  countsOf,
  GOOD,
  worsenProxyLink,
} from "../support/bad_link.ts";
import { startNginx } from "../support/destinations.ts";
import { e2eThrough, type TunnelCase } from "../support/e2e.ts";
import { DEVICE } from "../support/paths.ts";
import { ztunSocks } from "../support/proxies.ts";
import { transferBothWays } from "../support/transfer.ts";

const SIZE = 4 * 2 ** 20;

const NETWORKS: Readonly<Record<string, Badness>> = {
  "loss 2 %": { ...GOOD, loss: 0.02 },
  "duplication 10 %": { ...GOOD, duplicate: 0.1 },
  "reordering 10 %": { ...GOOD, reorder: 0.1 },
  "delay 25 ms": { ...GOOD, delayMs: 25 },
  "loss 1 %, duplication 1 %, reordering 2 %, delay 5 ms": {
    loss: 0.01,
    duplicate: 0.01,
    reorder: 0.02,
    delayMs: 5,
    seed: 7,
  },
};

/** What was asked for must have happened, or the case proves nothing. */
function assertBad(badness: Badness, counts: Record<string, number>): void {
  const shown = JSON.stringify(counts);
  assert(counts.carried! > 1000, shown);
  assert(badness.loss === 0 || counts.lost! > 0, shown);
  assert(badness.duplicate === 0 || counts.doubled! > 0, shown);
  assert(badness.reorder === 0 || counts.reordered! > 0, shown);
}

async function localNetwork({ lab, note, tunnel }: TunnelCase, badness: Badness): Promise<void> {
  await startNginx(lab);
  const [far, link] = await behindBadLink(lab, badness);
  for (const family of [4, 6] as const) await transferBothWays(lab, SIZE, family, far);
  // The last segments are still on their way: without the link they would never arrive.
  await tunnel?.assertNothingLeft();
  const counts = await countsOf(link);
  note(`${counts.carried} packets, ${counts.lost} lost`);
  assertBad(badness, counts);
}

async function proxyNetwork({ lab, note, tunnel }: TunnelCase, badness: Badness): Promise<void> {
  if (tunnel === undefined) return note("without a tunnel there is no way to a proxy");
  await startNginx(lab);
  const link = await worsenProxyLink(lab, badness);
  for (const family of [4, 6] as const) await transferBothWays(lab, SIZE, family);
  // The last segments are still on their way: without the link they would never arrive.
  await tunnel?.assertNothingLeft();
  const counts = await countsOf(link);
  note(`${counts.carried} packets, ${counts.lost} lost`);
  assertBad(badness, counts);
  await lab.client.ip("route flush 10.99.0.2/32");
}

/**
 * Drops every fiftieth packet that comes out of the TUN, super-segments of 64 KiB among them, and every
 * fiftieth that goes in. (A drop on the way in is told to the sender at once; the way out is real loss.)
 */
const LOSSY_DEVICE = [
  "add table inet lossy",
  "add counter inet lossy lost_out",
  "add chain inet lossy in { type filter hook input priority 0; }",
  "add chain inet lossy out { type filter hook output priority 0; }",
  `add rule inet lossy in iifname "${DEVICE}" numgen random mod 50 == 0 counter name lost_out drop`,
  `add rule inet lossy out oifname "${DEVICE}" numgen random mod 50 == 0 drop`,
].join("; ");

async function lossyDevice({ lab, note, tunnel }: TunnelCase): Promise<void> {
  if (tunnel === undefined) return note("without a tunnel there is no TUN");
  await startNginx(lab);
  await lab.client.must(["nft", LOSSY_DEVICE]);
  for (const family of [4, 6] as const) await transferBothWays(lab, 4 * SIZE, family);
  const listed = await lab.client.must(["nft", "list", "counter", "inet", "lossy", "lost_out"]);
  await lab.client.must(["nft", "delete", "table", "inet", "lossy"]);
  const lost = Number(/packets (\d+)/.exec(listed)?.[1]);
  note(`${lost} packets lost behind the TUN`);
  assert(lost > 0, listed);
  await tunnel.assertNothingLeft();
}

for (const offload of ["auto", "off"]) {
  e2eThrough(`loss 2 % on the TUN itself, offload ${offload}`, ztunSocks, lossyDevice, {
    flags: ["--offload", offload],
  });
}

for (const [name, badness] of Object.entries(NETWORKS)) {
  e2eThrough(`${name} between program and TUN, both directions`, ztunSocks, (it) => {
    return localNetwork(it, badness);
  });
  e2eThrough(`${name} between TUN and proxy, both directions`, ztunSocks, (it) => {
    return proxyNetwork(it, badness);
  });
}

const [worstName, worst] = Object.entries(NETWORKS).at(-1)!;
e2eThrough(`${worstName} between program and TUN, offload off`, ztunSocks, (it) => {
  return localNetwork(it, worst);
}, { flags: ["--offload", "off"] });
