/** Files with known content, carried over HTTP by curl and compared by SHA-256. */

import { assertEquals } from "@std/assert";
import { webRoot } from "./destinations.ts";
import { type Lab, WEB, WEB6 } from "./lab.ts";
import { must } from "./process.ts";
import type { Namespace, Stage } from "./stage.ts";

const BLOCK = 1 << 20;
const STAMP_EVERY = 4096;

/**
 * Writes a file whose every 4 KiB are different, so that no exchange of two parts goes unseen; the same
 * seed gives the same file.
 */
export async function makeFile(path: string, size: number, seed = 1): Promise<void> {
  const block = new Uint8Array(BLOCK);
  const words = new Uint32Array(block.buffer);
  let state = (seed * 0x9e3779b9) >>> 0 || 1;
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for (let done = 0; done < size; done += BLOCK) {
    for (let at = 0; at < BLOCK; at += STAMP_EVERY) {
      words[at / 4] = (done + at) / STAMP_EVERY + seed;
    }
    const part = block.subarray(0, Math.min(BLOCK, size - done));
    for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
  }
}

/** The file's SHA-256 in hexadecimal. */
export async function hashOf(path: string): Promise<string> {
  return (await must(["openssl", "dgst", "-sha256", "-r", path])).split(" ")[0]!;
}

export type Family = 4 | 6;

export function url(family: Family, path: string): string {
  return `http://${family === 4 ? WEB : `[${WEB6}]`}/${path}`;
}

/** curl that gives up when nothing moves for a while, instead of keeping a test waiting. */
const CURL = ["curl", "-sS", "--fail", "--globoff", "--speed-limit", "1", "--speed-time", "30"];

/** Downloads the file and returns the hash of what came. */
export async function downloadHash(from: Namespace, address: string): Promise<string> {
  const script = 'set -o pipefail; "$@" | openssl dgst -sha256 -r';
  const output = await from.must(["bash", "-c", script, "bash", ...CURL, address]);
  return output.split(" ")[0]!;
}

/** Uploads the file under a new name and returns the hash of what arrived. */
export async function uploadHash(
  lab: Stage,
  from: Namespace,
  file: string,
  family: Family,
): Promise<string> {
  const name = `up/${crypto.randomUUID()}`;
  await from.must([...CURL, "-o", "/dev/null", "-T", file, url(family, name)]);
  const arrived = `${webRoot(lab)}/${name}`;
  const hash = await hashOf(arrived);
  await Deno.remove(arrived);
  return hash;
}

/** Carries so many bytes down and up, and compares both. nginx must be running. */
export async function transferBothWays(
  lab: Lab,
  size: number,
  family: Family = 4,
  from: Namespace = lab.client,
): Promise<void> {
  const file = `${webRoot(lab)}/file-${size}`;
  await makeFile(file, size);
  const hash = await hashOf(file);
  assertEquals(
    await downloadHash(from, url(family, `file-${size}`)),
    hash,
    `download of ${size} bytes`,
  );
  assertEquals(await uploadHash(lab, from, file, family), hash, `upload of ${size} bytes`);
  await Deno.remove(file);
}

/** As `transferBothWays`, and says how fast each way was. */
export async function timedBothWays(lab: Lab, size: number, family: Family): Promise<string> {
  const file = `${webRoot(lab)}/file-${size}`;
  await makeFile(file, size);
  const hash = await hashOf(file);
  const started = performance.now();
  assertEquals(await downloadHash(lab.client, url(family, `file-${size}`)), hash, "download");
  const between = performance.now();
  assertEquals(await uploadHash(lab, lab.client, file, family), hash, "upload");
  const rate = (ms: number) => `${(size * 8 / ms / 1e6).toFixed(1)} Gbit/s`;
  return `down ${rate(between - started)}, up ${rate(performance.now() - between)} with hashing`;
}
