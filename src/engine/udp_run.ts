/**
 * Datagrams of one flow on their way to the local host: those of one size that came behind one another
 * leave as one packet, which the local kernel cuts up, where the device takes such (USO).
 */

import { LARGE_SLOT } from "../arena.ts";
import { sameBytes } from "../bytes.ts";
import { IPV4_HEADER } from "../wire/ipv4.ts";
import { IPV6_HEADER } from "../wire/ipv6.ts";
import type { UdpHeader } from "../wire/socks5.ts";
import { UDP_HEADER } from "../wire/udp.ts";
import type { EngineContext } from "./context.ts";
import type { UdpMapping } from "./udp_mapping.ts";

/** What the kernel takes in one packet: 64 segments (128 since Linux 6.9), and what IPv4 can say. */
const MOST_SEGMENTS = 64;
const LONGEST = 65_507;

export class UdpRun {
  readonly #context: EngineContext;
  #mapping: UdpMapping | undefined;
  /** The remote endpoint: where its address lies, in front of the first payload. */
  #addressAt = 0;
  #addressLength = 0;
  #port = 0;
  /** The payloads, without what stood between them, and how long all but the last are. */
  #at = 0;
  #end = 0;
  #segment = 0;
  /** So many more may follow. */
  #extensions = 0;
  /** How far the slot of the first one reaches. */
  #slotEnd = 0;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Adds a datagram, whose bytes are the run's until `flush`. */
  add(mapping: UdpMapping, header: UdpHeader, end: number): void {
    if (this.#extensions > 0 && this.#extend(mapping, header, end)) return;
    this.flush();
    const length = end - header.payloadAt;
    this.#mapping = mapping;
    this.#addressAt = header.addressAt;
    this.#addressLength = header.addressLength;
    this.#port = header.port;
    this.#at = header.payloadAt;
    this.#end = end;
    this.#segment = length;
    this.#extensions = this.#mayRepeat(length, header.addressLength) ? MOST_SEGMENTS - 1 : 0;
    this.#slotEnd = end - end % LARGE_SLOT + LARGE_SLOT;
  }

  flush(): void {
    const mapping = this.#mapping;
    if (mapping === undefined) return;
    const { arena, stack } = this.#context;
    const length = this.#end - this.#at;
    stack.sendUdp(
      arena.bytes,
      this.#addressAt,
      this.#port,
      mapping.address,
      0,
      mapping.port,
      this.#addressLength,
      this.#at,
      this.#end,
      length > this.#segment ? this.#segment : 0,
    );
    this.#mapping = undefined;
    this.#extensions = 0;
  }

  /** One that would have to be fragmented goes by itself. */
  #mayRepeat(length: number, addressLength: number): boolean {
    const { output } = this.#context.stack;
    if (!output.udpSegments || length === 0) return false;
    return (addressLength === 4 ? IPV4_HEADER : IPV6_HEADER) + UDP_HEADER + length <= output.mtu;
  }

  #extend(mapping: UdpMapping, header: UdpHeader, end: number): boolean {
    const { bytes } = this.#context.arena;
    const { addressAt, addressLength, port, payloadAt } = header;
    const length = end - payloadAt;
    const last = this.#end + length;
    if (length === 0 || length > this.#segment || last > this.#slotEnd) return false;
    if (last - this.#at > LONGEST) return false;
    if (mapping !== this.#mapping || port !== this.#port) return false;
    if (!sameBytes(bytes, addressAt, bytes, this.#addressAt, addressLength)) return false;
    bytes.copyWithin(this.#end, payloadAt, end);
    this.#end = last;
    // A shorter one is the last.
    this.#extensions = length === this.#segment ? this.#extensions - 1 : 0;
    return true;
  }
}
