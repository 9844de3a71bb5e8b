/**
 * A datagram socket that is connected to one address, for one question at a time: UDP, where the refusal
 * of a port can be read as an error, which Deno's own sockets keep to themselves; and ICMP echo, which
 * the kernel allows without privileges to the groups of `net.ipv4.ping_group_range`.
 */

import { set16 } from "../src/bytes.ts";
import { check, Errno, libc, SysError } from "./libc.ts";
import { connectedSocket } from "./udp_socket_linux.ts";

const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const POLLIN = 1;
const SHUT_RDWR = 2;
const LARGEST = 65_535;
const ECHO_HEADER = 8;
/** RFC 792 and RFC 4443: echo request and reply. */
const ECHO_TYPES = { 4: [8, 0], 6: [128, 129] } as const;

export class DatagramSocket {
  readonly #fd: number;
  #interrupted = false;

  private constructor(address: Uint8Array, port: number, protocol: number, mark = 0) {
    this.#fd = connectedSocket(address, port, protocol, mark);
  }

  /** What it sends has the mark, for which CAP_NET_ADMIN is needed; 0 is none. */
  static udp(address: Uint8Array, port: number, mark = 0): DatagramSocket {
    return new DatagramSocket(address, port, 0, mark);
  }

  /** Throws a `SysError` with EACCES where this user's group may not ping. */
  static ping(address: Uint8Array): DatagramSocket {
    return new DatagramSocket(address, 0, address.length === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
  }

  /**
   * Sends the datagram and gives the next one that comes, or undefined after so many milliseconds of
   * silence. Throws a `SysError` when either fails: ECONNREFUSED for a port that nobody listens on.
   */
  async ask(datagram: Uint8Array, patience: number): Promise<Uint8Array | undefined> {
    // Copied: a view of a few bytes may live where V8 moves it.
    const buffer = new Uint8Array(LARGEST);
    buffer.set(datagram);
    check("send", libc().send(this.#fd, buffer, BigInt(datagram.length), 0));
    const poll = new Uint8Array(128);
    new DataView(poll.buffer).setInt32(0, this.#fd, true);
    poll[4] = POLLIN;
    const ready = await libc().poll_blocking(poll, 1, patience);
    if (ready < 0) throw new SysError("poll", Errno.EINTR);
    if (ready === 0 || this.#interrupted) return undefined;
    const length = check("recv", libc().recv(this.#fd, buffer, BigInt(LARGEST), 0));
    return buffer.subarray(0, length);
  }

  /** Ends the wait of `ask`, which then gives nothing: the socket is good for nothing more. */
  interrupt(): void {
    this.#interrupted = true;
    libc().shutdown(this.#fd, SHUT_RDWR);
  }

  /** Not while `ask` waits. */
  close(): void {
    libc().close(this.#fd);
  }
}

/** Whether `address` answered an echo request that carried `payload`, with the same payload. */
export async function ping(
  address: Uint8Array,
  payload: Uint8Array,
  patience: number,
): Promise<boolean> {
  const [request, reply] = ECHO_TYPES[address.length === 4 ? 4 : 6];
  const packet = new Uint8Array(ECHO_HEADER + payload.length);
  // The kernel fills in the identifier and the checksum.
  packet[0] = request;
  set16(packet, 6, 1);
  packet.set(payload, ECHO_HEADER);
  const socket = DatagramSocket.ping(address);
  try {
    const answer = await socket.ask(packet, patience);
    return answer !== undefined && answer[0] === reply && answer.length === packet.length &&
      payload.every((byte, index) => answer[ECHO_HEADER + index] === byte);
  } finally {
    socket.close();
  }
}
