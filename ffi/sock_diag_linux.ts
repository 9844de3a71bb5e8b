/**
 * The sockets of this network namespace, and whose they are, through NETLINK_SOCK_DIAG
 * (`man 7 sock_diag`).
 *
 * A lookup asks for one socket and finds it as an arriving packet would; a dump lists them. Addresses of
 * dual-stack sockets that carry IPv4 (`::ffff:…`) come out as IPv4.
 */

import { type Address, sameAddress } from "../src/addr/address.ts";
import { get16, get32le, set16, set32le } from "../src/bytes.ts";
import { check, Errno, libc, SysError } from "./libc.ts";
import {
  attributeNumber,
  type NetlinkMessage,
  NetlinkRequest,
  readAttributes,
  readMessages,
} from "./netlink_message_linux.ts";
import { AF_INET, AF_INET6 } from "./socket_address_linux.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const NLM_F_REQUEST = 0x01;
const NLM_F_ACK = 0x04;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RECEIVE_SIZE = 32_768;

// `struct inet_diag_req_v2`: family, protocol, extensions, padding, states, then the socket's identity,
// which `struct inet_diag_msg` has too, behind four octets of its own.
const REQUEST_SIZE = 56;
const REQUEST_IDENTITY = 8;
const MESSAGE_SIZE = 72;
const MESSAGE_IDENTITY = 4;
const MESSAGE_UID = 64;
const MESSAGE_INODE = 68;
const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const SOURCE = 4;
const DESTINATION = 20;
const LINK = 36;
const COOKIE = 40;
const NO_COOKIE = 0xffff_ffff;

const INET_DIAG_MARK = 15;
const INET_DIAG_CGROUP_ID = 21;

const PROTOCOLS = { tcp: 6, udp: 17 } as const;
export type SocketProtocol = keyof typeof PROTOCOLS;

export const TCP_ESTABLISHED = 1;
export const TCP_LISTEN = 10;
const ALL_STATES = 0xffff_ffff;

const GONE: readonly number[] = [Errno.ENOENT, Errno.EOPNOTSUPP];

export interface SocketEnd {
  readonly address: Address;
  readonly port: number;
}

export interface InetSocket {
  readonly protocol: SocketProtocol;
  /** As TCP numbers them; an unconnected UDP socket is in 7. */
  readonly state: number;
  readonly local: SocketEnd;
  /** Zeros for a socket that is not connected. */
  readonly remote: SocketEnd;
  /** Index of the link that it is bound to; 0 for any. */
  readonly link: number;
  /** 0 once its process has closed it. */
  readonly inode: number;
  readonly uid: number;
  /** Of cgroup v2, at the time the socket was made; undefined before Linux 5.7. */
  readonly cgroup: number | undefined;
  /** Undefined for who may not see it (CAP_NET_ADMIN). */
  readonly mark: number | undefined;
}

export interface SocketFilter {
  /** Only in this state. */
  readonly state?: number;
  /** Only with this local port. */
  readonly localPort?: number;
}

export class SockDiag {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_SIZE);
  #sequence = 0;
  #closed = false;

  constructor() {
    this.#fd = check("socket", libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG));
  }

  /**
   * The TCP sockets that take connections to this address and port: one, or all that share it with
   * SO_REUSEPORT; none when nobody listens. The address must be one of this host's.
   */
  listeners(end: SocketEnd): InetSocket[] {
    const chosen = this.listener(end);
    const all = this.sockets("tcp", { state: TCP_LISTEN, localPort: end.port });
    // A lookup does not find what is bound to a link.
    if (chosen === undefined) return all.filter((each) => each.link !== 0 && takes(each, end));
    return all.filter((each) => sameAddress(each.local.address, chosen.local.address));
  }

  /** The TCP socket that a connection to this address and port would reach: one cheap question. */
  listener(end: SocketEnd): InetSocket | undefined {
    const found = this.find(end, { address: new Uint8Array(end.address.length), port: 0 });
    return found?.state === TCP_LISTEN ? found : undefined;
  }

  /** The TCP socket with these two ends, or what listens there. */
  find(local: SocketEnd, remote: SocketEnd): InetSocket | undefined {
    const request = structure(familyOf(local.address), "tcp", ALL_STATES);
    writeEnd(request, SOURCE_PORT, SOURCE, local);
    writeEnd(request, DESTINATION_PORT, DESTINATION, remote);
    try {
      return this.#exchange(NLM_F_REQUEST, request, "tcp")[0];
    } catch (error) {
      if (error instanceof SysError && error.code === Errno.ENOENT) return undefined;
      throw error;
    }
  }

  /** All sockets of both families; of TCP, those that timed out or are being opened as well. */
  sockets(protocol: SocketProtocol, { state, localPort = 0 }: SocketFilter = {}): InetSocket[] {
    const states = state === undefined ? ALL_STATES : (1 << state) >>> 0;
    return [AF_INET, AF_INET6].flatMap((family) => {
      const request = structure(family, protocol, states);
      set16(request, REQUEST_IDENTITY + SOURCE_PORT, localPort);
      return this.#exchange(NLM_F_REQUEST | NLM_F_DUMP, request, protocol);
    });
  }

  /**
   * Ends a connection as a reset would: its process reads ECONNABORTED. False where the kernel cannot
   * (CONFIG_INET_DIAG_DESTROY), and when it was gone already.
   */
  destroy(socket: InetSocket): boolean {
    const { protocol, local, remote, link } = socket;
    const request = structure(familyOf(local.address), protocol, ALL_STATES);
    writeEnd(request, SOURCE_PORT, SOURCE, local);
    writeEnd(request, DESTINATION_PORT, DESTINATION, remote);
    set32le(request, REQUEST_IDENTITY + LINK, link);
    try {
      this.#exchange(NLM_F_REQUEST | NLM_F_ACK, request, protocol, SOCK_DESTROY);
      return true;
    } catch (error) {
      if (error instanceof SysError && GONE.includes(error.code)) return false;
      throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc().close(this.#fd);
  }

  /** A lookup is answered by one message, a dump by many and an end, the rest by an error or none. */
  #exchange(
    flags: number,
    structure: Uint8Array,
    protocol: SocketProtocol,
    type = SOCK_DIAG_BY_FAMILY,
  ): InetSocket[] {
    const request = new NetlinkRequest(type, flags, structure);
    const sequence = ++this.#sequence;
    const length = request.finish(sequence);
    check("SOCK_DIAG send", libc().send(this.#fd, request.bytes, BigInt(length), 0));
    const sockets: InetSocket[] = [];
    while (true) {
      const received = check(
        "SOCK_DIAG receive",
        libc().recv(this.#fd, this.#buffer, BigInt(RECEIVE_SIZE), 0),
      );
      for (const message of readMessages(this.#buffer, received)) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE) return sockets;
        if (message.type === NLMSG_ERROR) {
          throwIfRefused(message);
          return sockets;
        }
        sockets.push(readSocket(message, protocol));
        if (flags === NLM_F_REQUEST) return sockets;
      }
    }
  }
}

function throwIfRefused({ bytes, at }: NetlinkMessage): void {
  const code = -(get32le(bytes, at) | 0);
  if (code !== 0) throw new SysError("SOCK_DIAG", code);
}

function familyOf(address: Address): number {
  return address.length === 4 ? AF_INET : AF_INET6;
}

function structure(family: number, protocol: SocketProtocol, states: number): Uint8Array {
  const request = new Uint8Array(REQUEST_SIZE);
  request[0] = family;
  request[1] = PROTOCOLS[protocol];
  set32le(request, 4, states);
  set32le(request, REQUEST_IDENTITY + COOKIE, NO_COOKIE);
  set32le(request, REQUEST_IDENTITY + COOKIE + 4, NO_COOKIE);
  return request;
}

function writeEnd(request: Uint8Array, portAt: number, at: number, end: SocketEnd): void {
  set16(request, REQUEST_IDENTITY + portAt, end.port);
  request.set(end.address, REQUEST_IDENTITY + at);
}

function readSocket({ bytes, at, end }: NetlinkMessage, protocol: SocketProtocol): InetSocket {
  const attributes = readAttributes(bytes, at + MESSAGE_SIZE, end);
  const identity = at + MESSAGE_IDENTITY;
  const size = bytes[at] === AF_INET ? 4 : 16;
  return {
    protocol,
    state: bytes[at + 1]!,
    local: {
      address: readAddress(bytes, identity + SOURCE, size),
      port: get16(bytes, identity + SOURCE_PORT),
    },
    remote: {
      address: readAddress(bytes, identity + DESTINATION, size),
      port: get16(bytes, identity + DESTINATION_PORT),
    },
    link: get32le(bytes, identity + LINK),
    inode: get32le(bytes, at + MESSAGE_INODE),
    uid: get32le(bytes, at + MESSAGE_UID),
    cgroup: readId(attributes.get(INET_DIAG_CGROUP_ID)),
    mark: attributeNumber(attributes.get(INET_DIAG_MARK)),
  };
}

/** Sixteen octets that begin as a mapped IPv4 address does are that one. */
function readAddress(bytes: Uint8Array, at: number, size: number): Address {
  const mapped = size === 16 && get32le(bytes, at) === 0 && get32le(bytes, at + 4) === 0 &&
    get32le(bytes, at + 8) === 0xffff_0000;
  return mapped ? bytes.slice(at + 12, at + 16) : bytes.slice(at, at + size);
}

/** 64 bits, of which the kernel counts up from 1. */
function readId(value: Uint8Array | undefined): number | undefined {
  if (value === undefined || value.length < 8) return undefined;
  return get32le(value, 0) + get32le(value, 4) * 0x1_0000_0000;
}

function takes(listener: InetSocket, { address }: SocketEnd): boolean {
  const { local } = listener;
  // The IPv6 wildcard takes IPv4 as well, unless it was told not to: that is not asked for here.
  if (local.address.every((octet) => octet === 0)) {
    return local.address.length >= address.length;
  }
  return sameAddress(local.address, address);
}
