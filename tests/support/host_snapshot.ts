/** Everything about a host that a tunnel may change, to be compared with what was before. */

import { assertEquals } from "@std/assert";
import { eventually } from "./eventually.ts";
import type { HostNamespace } from "./host_namespace.ts";
import { sortSets } from "./nft.ts";

/** Each part as lines, so that a difference is short. */
export interface HostSnapshot {
  readonly rules: readonly string[];
  readonly rules6: readonly string[];
  readonly routes: readonly string[];
  readonly routes6: readonly string[];
  readonly links: readonly string[];
  readonly firewall: readonly string[];
  readonly sysctls: readonly string[];
  /** What it is, its mode and owner, and what it says. */
  readonly resolvConf: readonly string[];
  readonly cgroups: readonly string[];
  /** All of /etc, /run and /var/lib by name, kind, mode and owner: journals and sockets among them. */
  readonly files: readonly string[];
}

/** Where the kernel keeps what ztun may set; `stable_secret` cannot be read. */
const SYSCTLS = `cd /proc/sys/net && grep -r "" ipv4/conf ipv6/conf ipv4/ip_forward \
ipv4/fwmark_reflect ipv4/tcp_fwmark_accept ipv6/fwmark_reflect ipv4/ping_group_range 2>/dev/null |
grep -v stable_secret`;

const RESOLV_CONF = `cd /etc && stat -c "%F %a %U:%G %N" resolv.conf && cat resolv.conf`;

/** The directories themselves stay, for the next tunnel. */
const FILES = `find /etc /run /var/lib -printf "%y %m %U:%G %p %l\\n" |
grep -v -e " /run/ztun $" -e " /var/lib/ztun $" | sort`;

export async function snapshot(host: HostNamespace): Promise<HostSnapshot> {
  const shell = async (script: string) => lines(await host.must(["sh", "-c", script]));
  const ip = async (...args: string[]) => objects(await host.must(["ip", "-j", ...args]) || "[]");
  const parts = {
    rules: ip("rule"),
    rules6: ip("-6", "rule"),
    routes: ip("route", "show", "table", "all"),
    routes6: ip("-6", "route", "show", "table", "all"),
    links: ip("addr"),
    firewall: firewall(host),
    sysctls: shell(SYSCTLS),
    resolvConf: shell(RESOLV_CONF),
    cgroups: shell("find /sys/fs/cgroup -type d"),
    files: shell(FILES),
  };
  const named = Object.entries(parts).map(async ([name, part]) => [name, await part] as const);
  return Object.fromEntries(await Promise.all(named)) as unknown as HostSnapshot;
}

async function firewall(host: HostNamespace): Promise<string[]> {
  const { nftables } = JSON.parse(await host.must(["nft", "-j", "list", "ruleset"]));
  return nftables.map((each: unknown) => JSON.stringify(sortSets(each)));
}

function objects(json: string): string[] {
  return (JSON.parse(json) as unknown[]).map((each) => JSON.stringify(each));
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** `+ rules …` for what is there now and was not before, `- rules …` the other way round. */
export function differences(before: HostSnapshot, now: HostSnapshot): string[] {
  return Object.keys(before).flatMap((name) => {
    const [then, today] = [before, now].map((each) => each[name as keyof HostSnapshot]);
    return [
      ...missingIn(then!, today!).map((line) => `- ${name} ${line}`),
      ...missingIn(today!, then!).map((line) => `+ ${name} ${line}`),
    ];
  });
}

function missingIn(some: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return some.filter((line) => !known.has(line));
}

/** The host must come to be as it was; a device goes a moment after the process that had it. */
export async function assertAsBefore(host: HostNamespace, before: HostSnapshot): Promise<void> {
  await eventually("the host to be as it was", async () => {
    assertEquals(differences(before, await snapshot(host)), []);
    return true;
  });
}
