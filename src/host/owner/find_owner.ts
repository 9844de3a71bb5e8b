/**
 * Which processes are the proxy that listens at an address of this host.
 *
 * The kernel says which sockets listen there, `/proc` who has them open. Several may: a proxy that forks
 * its workers beforehand. Who only holds the socket for another is not the proxy, and gets an answer of
 * its own: what such a one sends is not what loops.
 */

import type { InetSocket, SockDiag, SocketEnd } from "../../../ffi/sock_diag_linux.ts";
import { holdersOf, networkOf } from "./descriptors.ts";
import { withAncestors, withChildren } from "./family.ts";
import { type ProcessInfo, readOrUndefined, readProcesses } from "./process_table.ts";

export interface Owner {
  readonly listeners: readonly InetSocket[];
  /** Who has a listening socket open. */
  readonly holders: readonly ProcessInfo[];
  /** The holders and their children. */
  readonly processes: readonly ProcessInfo[];
}

export type OwnerAnswer =
  | { readonly kind: "owner"; readonly owner: Owner; readonly all: readonly ProcessInfo[] }
  | { readonly kind: "nobody" }
  /** The service manager listens for a service that the first connection starts. */
  | { readonly kind: "waiting"; readonly manager: ProcessInfo }
  /** A container's published port: what the proxy sends comes from this address, forwarded. */
  | {
    readonly kind: "container";
    readonly relay: ProcessInfo;
    readonly address: string | undefined;
  }
  /** Processes that listen here, but live, and send, in another network namespace. */
  | { readonly kind: "elsewhere"; readonly holders: readonly ProcessInfo[] }
  /** No process has it that this one can see: one of the kernel, or of another process namespace. */
  | { readonly kind: "hidden"; readonly uid: number };

/** Programs that carry a published port into a container, where the proxy itself is. */
const RELAYS = ["docker-proxy", "rootlessport", "rootlesskit"];
const MANAGERS = ["systemd", "init", "inetd", "xinetd"];

/** The owner of what listens at `end`, which is an address of this host. */
export function findOwner(diag: SockDiag, end: SocketEnd): OwnerAnswer {
  const listeners = diag.listeners(end);
  if (listeners.length === 0) return { kind: "nobody" };
  const all = readProcesses();
  const inodes = new Set(listeners.map(({ inode }) => inode));
  const holders = holdersOf(inodes, all.filter(({ pid }) => pid !== Deno.pid));
  const here = networkOf("thread-self");
  const answer = judgeHolders(holders, ({ pid }) => networkOf(pid) === here, commandLine);
  if (answer === "hidden") return { kind: "hidden", uid: listeners[0]!.uid };
  if (!Array.isArray(answer)) return answer;
  return { kind: "owner", owner: ownerOf(listeners, answer, all), all };
}

/** The holders that are the proxy, or why there is none. */
export function judgeHolders(
  holders: readonly ProcessInfo[],
  isHere: (process: ProcessInfo) => boolean,
  commandOf: (process: ProcessInfo) => readonly string[],
): ProcessInfo[] | "hidden" | Exclude<OwnerAnswer, { kind: "owner" | "nobody" | "hidden" }> {
  if (holders.length === 0) return "hidden";
  const here = holders.filter(isHere);
  if (here.length === 0) return { kind: "elsewhere", holders };
  const relay = here.find(({ name }) => RELAYS.includes(name));
  if (relay !== undefined) {
    return { kind: "container", relay, address: containerAddress(commandOf(relay)) };
  }
  const servers = here.filter((process) => !isManager(process));
  return servers.length === 0 ? { kind: "waiting", manager: here[0]! } : servers;
}

/** The first process, and managers of a user's services, by whatever name they run. */
function isManager({ pid, name }: ProcessInfo): boolean {
  return pid === 1 || MANAGERS.includes(name);
}

/** `docker-proxy … -container-ip 172.17.0.2 …` */
function containerAddress(command: readonly string[]): string | undefined {
  const at = command.findIndex((argument) => /^--?container-ip$/.test(argument));
  return at < 0 ? undefined : command[at + 1];
}

function commandLine({ pid }: ProcessInfo): string[] {
  return readOrUndefined(`/proc/${pid}/cmdline`)?.split("\0") ?? [];
}

function ownerOf(
  listeners: readonly InetSocket[],
  holders: readonly ProcessInfo[],
  all: readonly ProcessInfo[],
): Owner {
  return { listeners, holders, processes: proxyProcesses(all, holders, Deno.pid) };
}

/**
 * The holders with their children, but without people's shells and without ourselves: a server of `ssh -R`
 * has both below it.
 */
export function proxyProcesses(
  all: readonly ProcessInfo[],
  holders: readonly ProcessInfo[],
  self: number,
): ProcessInfo[] {
  const ours = withAncestors(all, self);
  return withChildren(all, holders, ({ pid, leadsTerminal }) => leadsTerminal || ours.has(pid));
}
