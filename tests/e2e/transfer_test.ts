/** Files of every size, one after the other and many at once, compared by hash. */

import { assertEquals } from "@std/assert";
import { startNginx, webRoot } from "../support/destinations.ts";
import { e2eThrough, type TunnelCase } from "../support/e2e.ts";
import { type Lab, WEB, WEB6 } from "../support/lab.ts";
import { PROXIES, ztunSocks } from "../support/proxies.ts";
import { makeFile, timedBothWays, transferBothWays } from "../support/transfer.ts";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

for (const proxy of PROXIES) {
  e2eThrough("1 B, 1 KiB, 1 MiB, 64 MiB, both ways, IPv4 and IPv6", proxy, async ({ lab }) => {
    await startNginx(lab);
    for (const size of [1, KIB, MIB, 64 * MIB]) {
      for (const family of [4, 6] as const) await transferBothWays(lab, size, family);
    }
  });
}

for (const proxy of PROXIES) {
  e2eThrough("1 GiB, both ways, IPv4", proxy, async ({ lab, note }) => {
    await startNginx(lab);
    note(await timedBothWays(lab, GIB, 4));
  });
}
e2eThrough("1 GiB, both ways, IPv6", ztunSocks, async ({ lab, note }) => {
  await startNginx(lab);
  note(await timedBothWays(lab, GIB, 6));
});

for (const proxy of PROXIES) {
  e2eThrough("500 transfers at once, both ways", proxy, parallelTransfers);
}

e2eThrough("500 transfers at once, both ways, offload off", ztunSocks, parallelTransfers, {
  flags: ["--offload", "off"],
});

e2eThrough("1 B to 64 MiB, both ways, IPv4 and IPv6, offload off", ztunSocks, async ({ lab }) => {
  await startNginx(lab);
  for (const size of [1, KIB, MIB, 64 * MIB]) {
    for (const family of [4, 6] as const) await transferBothWays(lab, size, family);
  }
}, { flags: ["--offload", "off"] });

/** curl opens 300 connections at most: two of it, one per family, with 250 files each. */
const PER_CLIENT = 250;
const PARALLEL_SIZE = 256 * KIB;

async function parallelTransfers({ lab }: TunnelCase): Promise<void> {
  await startNginx(lab);
  const hashes = await makeMany(lab);
  for (const client of ["a", "b"]) await Deno.mkdir(`${lab.directory}/got-${client}`);
  await Promise.all([downloadMany(lab, "a", WEB), downloadMany(lab, "b", `[${WEB6}]`)]);
  for (const client of ["a", "b"]) {
    assertEquals(await hashesIn(`${lab.directory}/got-${client}`), hashes);
  }
  await Promise.all([uploadMany(lab, "a", WEB), uploadMany(lab, "b", `[${WEB6}]`)]);
  for (const client of ["a", "b"]) {
    assertEquals(await hashesIn(`${webRoot(lab)}/up/${client}`), hashes);
  }
}

/** Files `f0` to `f249`, all different; their hashes by name. */
async function makeMany(lab: Lab): Promise<Map<string, string>> {
  const folder = `${webRoot(lab)}/many`;
  await Deno.mkdir(folder);
  for (let at = 0; at < PER_CLIENT; at++) await makeFile(`${folder}/f${at}`, PARALLEL_SIZE, at + 1);
  for (const client of ["a", "b"]) {
    await Deno.mkdir(`${webRoot(lab)}/up/${client}`);
    await Deno.chmod(`${webRoot(lab)}/up/${client}`, 0o777);
  }
  return await hashesIn(folder);
}

const MANY = [
  ...["curl", "-sS", "--fail", "--parallel", "--parallel-immediate"],
  ...["--parallel-max", String(PER_CLIENT), "--speed-limit", "1", "--speed-time", "30"],
];

async function downloadMany(lab: Lab, client: string, host: string): Promise<void> {
  const target = `${lab.directory}/got-${client}/f#1`;
  await lab.client.must([...MANY, "-o", target, `http://${host}/many/f[0-${PER_CLIENT - 1}]`]);
}

async function uploadMany(lab: Lab, client: string, host: string): Promise<void> {
  const source = `${webRoot(lab)}/many/f[0-${PER_CLIENT - 1}]`;
  await lab.client.must([...MANY, "-T", source, `http://${host}/up/${client}/`]);
}

async function hashesIn(folder: string): Promise<Map<string, string>> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const pairs: [string, string][] = [];
  for (const name of names) {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${folder}/${name}`));
    pairs.push([name, new Uint8Array(digest).toHex()]);
  }
  return new Map(pairs);
}
