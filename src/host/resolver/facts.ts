/** What tells who manages the names of this host: read once, judged elsewhere. */

import { type FileBefore, readBefore } from "../changes/file_change.ts";
import type { RunCommand } from "../changes/run_command.ts";
import type { Disk } from "../disk.ts";
import type { Machine } from "../machine.ts";
import { holderOf } from "./conf_text.ts";

export const RESOLV_CONF = "/etc/resolv.conf";
export const NM_CONF_DIRECTORY = "/run/NetworkManager/conf.d";

/** Where managers that put themselves into resolv.conf keep the servers that they ask. */
const UPSTREAM_FILES = [
  "/run/systemd/resolve/resolv.conf",
  "/run/NetworkManager/no-stub-resolv.conf",
];

export interface ResolverFacts {
  /** /etc/resolv.conf, itself. */
  readonly before: FileBefore;
  /** What a program reads there; empty when it is not there, or a link to nothing. */
  readonly text: string;
  /** The other ztun, alive, that wrote it. */
  readonly holder: number | undefined;
  /** systemd-resolved answers. */
  readonly resolved: boolean;
  /** NetworkManager answers. */
  readonly networkManager: boolean;
  /** Three programs have the name `resolvconf`. */
  readonly resolvconf: "openresolv" | "debian" | "systemd" | undefined;
  /** Whether NetworkManager's directory for settings of this boot is there. */
  readonly nmConfDirectory: boolean;
  readonly upstreamTexts: readonly string[];
}

export interface ResolverHost {
  readonly disk: Disk;
  readonly run: RunCommand;
  readonly machine: Machine;
  /** In front of every path; empty on a real host. */
  readonly root: string;
}

export async function readFacts(host: ResolverHost): Promise<ResolverFacts> {
  const { disk, root } = host;
  const { before, text } = readConf(host);
  return {
    before,
    text,
    holder: livingHolder(text, host.machine),
    resolved: await resolvedAnswers(host),
    networkManager: await networkManagerAnswers(host),
    resolvconf: await whichResolvconf(host),
    nmConfDirectory: disk.look(`${root}${NM_CONF_DIRECTORY}`) !== undefined,
    upstreamTexts: UPSTREAM_FILES.map((path) => readText(host, path)),
  };
}

/** What /etc/resolv.conf is, and what a program reads there. */
export function readConf(host: ResolverHost): Pick<ResolverFacts, "before" | "text"> {
  const before = readBefore(host.disk, `${host.root}${RESOLV_CONF}`);
  if (before.type !== "file") return { before, text: readText(host, RESOLV_CONF) };
  // The same bytes: it may be written at any time.
  return { before, text: new TextDecoder().decode(Uint8Array.fromBase64(before.content)) };
}

function readText({ disk, root }: ResolverHost, path: string): string {
  try {
    return new TextDecoder().decode(disk.read(`${root}${path}`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

export function livingHolder(text: string, machine: Machine): number | undefined {
  const pid = holderOf(text);
  if (pid === undefined || pid === machine.pid) return undefined;
  return machine.startTime(pid) === undefined ? undefined : pid;
}

/** Asked only where it has run: asking may start it. */
async function resolvedAnswers({ disk, run, root }: ResolverHost): Promise<boolean> {
  if (disk.look(`${root}/run/systemd/resolve`) === undefined) return false;
  return (await run(["resolvectl", "dns"])).code === 0;
}

async function networkManagerAnswers({ disk, run, root }: ResolverHost): Promise<boolean> {
  if (disk.look(`${root}/run/NetworkManager`) === undefined) return false;
  const { code, stdout } = await run(["nmcli", "-t", "-f", "RUNNING", "general"]);
  return code === 0 && stdout.trim() === "running";
}

async function whichResolvconf({ run }: ResolverHost): Promise<ResolverFacts["resolvconf"]> {
  const { stdout } = await run(["resolvconf", "--version"]);
  if (stdout.startsWith("openresolv")) return "openresolv";
  if (stdout.startsWith("Debian")) return "debian";
  return stdout.startsWith("systemd") ? "systemd" : undefined;
}
