/**
 * The SSH session that ztun was started from, and whether the planned capture would cut it: whoever sits
 * at its other end could not even undo that.
 *
 * The session is in the environment; where sudo has removed it there, in that of a process above, or it is
 * what an SSH server above has open. One that is no more (a terminal multiplexer outlives many) is none.
 */

import { SysError } from "../../ffi/libc.ts";
import { isOwnAddress } from "../../ffi/own_address_linux.ts";
import { SockDiag, type SocketEnd, TCP_ESTABLISHED } from "../../ffi/sock_diag_linux.ts";
import { type Address, formatAddress, parseAddress } from "../addr/address.ts";
import { parsePort } from "../addr/endpoint.ts";
import { formatPrefix, type Prefix, prefixContains } from "../addr/prefix.ts";
import { socketsOf } from "../host/owner/descriptors.ts";
import { type ProcessInfo, readOrUndefined, readProcess } from "../host/owner/process_table.ts";

export interface SshSession {
  readonly peer: SocketEnd;
  /** Its port is the one that the SSH server serves. */
  readonly own: SocketEnd;
}

/** What is asked of the host. */
export interface SessionHost {
  readonly pid: number;
  process(pid: number): Pick<ProcessInfo, "name" | "parent"> | undefined;
  /** As `/proc` shows it: `NAME=value`, each ended by a zero. */
  environment(pid: number): string | undefined;
  /** The established TCP connections that a process has open. */
  connections(pid: number): SshSession[];
  isEstablished(session: SshSession): boolean;
}

const VARIABLE = "SSH_CONNECTION=";
/** OpenSSH has several programs, all of which begin so. */
const SERVER = /^(sshd|dropbear)/;

export function findSshSession(host: SessionHost = thisHost()): SshSession | undefined {
  const seen = new Set<number>();
  for (let pid = host.pid; pid > 0 && !seen.has(pid);) {
    seen.add(pid);
    const process = host.process(pid);
    if (process === undefined) return undefined;
    const session = sessionOf(pid, process.name, host);
    if (session !== undefined) return session;
    pid = process.parent;
  }
  return undefined;
}

function sessionOf(pid: number, name: string, host: SessionHost): SshSession | undefined {
  const told = host.environment(pid)?.split("\0").find((each) => each.startsWith(VARIABLE));
  const session = told === undefined ? undefined : parseSshConnection(told.slice(VARIABLE.length));
  if (session !== undefined && host.isEstablished(session)) return session;
  // The oldest: a server has what it forwards open as well.
  return SERVER.test(name) ? host.connections(pid)[0] : undefined;
}

/** `192.0.2.7 50000 192.0.2.1 22`: the peer, and this host. */
export function parseSshConnection(text: string): SshSession | undefined {
  const [peer, peerPort, own, ownPort, ...rest] = text.trim().split(" ");
  if (rest.length > 0) return undefined;
  const [from, to] = [parseEnd(peer, peerPort), parseEnd(own, ownPort)];
  return from === undefined || to === undefined ? undefined : { peer: from, own: to };
}

/** A link-local address comes with the link's name. */
function parseEnd(host = "", portText = ""): SocketEnd | undefined {
  const address = parseAddress(host.replace(/%.*/, ""));
  const port = parsePort(portText);
  return address === undefined || port === undefined ? undefined : { address, port };
}

export function thisHost(): SessionHost {
  return {
    pid: Deno.pid,
    process: readProcess,
    environment: (pid) => readOrUndefined(`/proc/${pid}/environ`),
    connections: connectionsOf,
    isEstablished: hasConnection,
  };
}

function connectionsOf(pid: number): SshSession[] {
  const inodes = new Set(socketsOf(pid).map(({ inode }) => inode));
  // Inodes are counted up.
  return askKernel((diag) => diag.sockets("tcp", { state: TCP_ESTABLISHED }), [])
    .filter(({ inode }) => inodes.has(inode))
    .sort((a, b) => a.inode - b.inode)
    .map(({ local, remote }) => ({ peer: remote, own: local }));
}

/** Where the kernel does not say, the environment is believed. */
function hasConnection({ peer, own }: SshSession): boolean {
  return askKernel((diag) => diag.find(own, peer)?.state === TCP_ESTABLISHED, true);
}

function askKernel<T>(ask: (diag: SockDiag) => T, otherwise: T): T {
  let diag: SockDiag | undefined;
  try {
    diag = new SockDiag();
    return ask(diag);
  } catch (error) {
    if (error instanceof SysError) return otherwise;
    throw error;
  } finally {
    diag?.close();
  }
}

/** Of what is planned, that which answers to a peer depend on. */
export interface PlannedCapture {
  /** Whether the routes lead what is sent there into the tunnel. */
  readonly captures: (address: Address) => boolean;
  /** The TCP ports whose answers the firewall keeps outside; undefined without a firewall. */
  readonly servedPorts: readonly number[] | undefined;
  /** What the kill switch permits besides the tunnel; undefined without one. */
  readonly strict: { readonly incoming: boolean; readonly lan: readonly Prefix[] } | undefined;
}

export interface SessionRisk {
  readonly message: string;
  readonly hint: string;
}

/** Undefined when the session would go on. */
export function sessionRisk(
  { peer, own }: SshSession,
  { captures, servedPorts, strict }: PlannedCapture,
  isOwn: (address: Address) => boolean = isOwnAddress,
): SessionRisk | undefined {
  // From this host to itself no packet leaves it.
  if (isOwn(peer.address)) return undefined;
  const from = formatAddress(peer.address);
  const message = `This SSH session, from ${from}, would be cut`;
  if (strict !== undefined && !permits(strict, peer.address)) {
    const hint = "Leave out --strict, or run this from the machine's own console";
    return { message: `${message}: --strict lets nothing out to ${from}`, hint };
  }
  if (servedPorts?.includes(own.port) || !captures(peer.address)) return undefined;
  const bypass = formatPrefix({ address: peer.address, length: peer.address.length * 8 });
  const hint = `Keep your own machine outside the tunnel: \`--bypass ${bypass}\``;
  return { message: `${message}: answers to it would go into the tunnel`, hint };
}

function permits(
  { incoming, lan }: NonNullable<PlannedCapture["strict"]>,
  peer: Address,
): boolean {
  return incoming || lan.some((prefix) => prefixContains(prefix, peer));
}
