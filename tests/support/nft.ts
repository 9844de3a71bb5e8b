/**
 * `nft`, the judge of the firewall's tests, in the network namespace that the thread is in; and what it
 * lists, in an order that does not depend on the kernel's hashing.
 */

import { assertEquals } from "@std/assert";
import { NftablesSocket } from "../../ffi/nftables_linux.ts";
import { cgroupMount } from "../../src/host/firewall/cgroup.ts";
import { compileTable } from "../../src/host/firewall/compile.ts";
import type { Table } from "../../src/host/firewall/rule.ts";
import { replacementText } from "../../src/host/firewall/text.ts";
import { runHere } from "./net_namespace.ts";

/** Where `nft` looks for control groups; others mount them elsewhere. */
const EXPECTED = "/sys/fs/cgroup";

/** Runs `nft`; it finds control groups by their path wherever they are. */
export function nft(...args: string[]): string {
  const mount = cgroupMount(Deno.readTextFileSync("/proc/self/mounts"));
  if (mount === undefined || mount === EXPECTED) return runHere("nft", ...args);
  const script = `mount --bind ${mount} ${EXPECTED} && exec nft "$@"`;
  return runHere("unshare", "--mount", "sh", "-c", script, "nft", ...args);
}

/** Gives `nft` a file to read. */
export function nftFile(text: string): void {
  const path = Deno.makeTempFileSync({ suffix: ".nft" });
  try {
    Deno.writeTextFileSync(path, text);
    nft("-f", path);
  } finally {
    Deno.removeSync(path);
  }
}

/** All tables, as text and as JSON; elements of sets in alphabetical order. */
export function listRuleset(): { text: string; json: unknown } {
  return {
    text: sortElements(nft("list", "ruleset")),
    json: sortSets(JSON.parse(nft("-j", "list", "ruleset"))),
  };
}

function sortElements(text: string): string {
  return text.replace(/\{([^{}]*)\}/g, (whole, inside: string) => {
    if (!inside.includes(",") || inside.includes(";")) return whole;
    return `{ ${inside.split(",").map((each) => each.trim()).sort().join(", ")} }`;
  });
}

/** Handles are counted over the life of a namespace; they say nothing about the rules. */
export function sortSets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortSets);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "handle");
  return Object.fromEntries(entries.map(([key, inner]) => {
    const sorted = sortSets(inner);
    if ((key !== "elem" && key !== "set") || !Array.isArray(sorted)) return [key, sorted];
    return [key, sorted.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))];
  }));
}

/** Ours, by netlink, and what `nft` makes of our text must be listed alike. */
export function assertSameAsNft(table: Table): void {
  const socket = new NftablesSocket();
  try {
    socket.replaceTables([compileTable(table)]);
    const ours = listRuleset();
    socket.deleteTable(table.name);
    nftFile(replacementText(table));
    const theirs = listRuleset();
    nft("flush", "ruleset");
    assertEquals(ours.text, theirs.text);
    assertEquals(ours.json, theirs.json);
  } finally {
    socket.close();
  }
}

/** Makes the tables, here. */
export function applyTables(...tables: readonly Table[]): void {
  const socket = new NftablesSocket();
  try {
    socket.replaceTables(tables.map(compileTable));
  } finally {
    socket.close();
  }
}

/** How many packets the named counters of a table have counted. */
export function countedPackets(table: string): Record<string, number> {
  const socket = new NftablesSocket();
  try {
    const counters = [...socket.counters(table)];
    return Object.fromEntries(counters.map(([name, { packets }]) => [name, packets]));
  } finally {
    socket.close();
  }
}
