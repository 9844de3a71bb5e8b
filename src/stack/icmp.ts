/**
 * ICMP for both families: echo requests are answered, errors are told to whoever sent the packet.
 *
 * Errors are bounded by a token bucket (RFC 1812, 4.3.2.8; RFC 4443, 2.4), and never answer another
 * error, a multicast, or a fragment that is not the first.
 */

import { set16, set32 } from "../bytes.ts";
import type { Counters } from "../counters.ts";
import { addWords, fold } from "../wire/checksum.ts";
import {
  ECHO_REPLY_4,
  ECHO_REPLY_6,
  ECHO_REQUEST_4,
  ECHO_REQUEST_6,
  ICMP_CHECKSUM,
  ICMP_HEADER,
  type IcmpError,
  icmpTypeAndCode,
  isIcmpError,
  QUOTE_4,
  QUOTE_6,
} from "../wire/icmp.ts";
import type { Packet } from "../wire/packet.ts";
import { ICMP, ICMPV6 } from "../wire/protocol.ts";
import type { IpWriter } from "./ip_writer.ts";

/** Errors per second, and in one burst. */
const RATE = 1_000;
const BURST = 1_000;

export interface RouterAddresses {
  /** What the errors come from that a router on the way would send. */
  readonly ipv4: Uint8Array;
  readonly ipv6: Uint8Array;
}

export class Icmp {
  readonly #writer: IpWriter;
  readonly #counters: Counters;
  readonly #router: RouterAddresses;
  readonly #answerEcho: boolean;
  #tokens = BURST;
  #filledAt = 0;

  constructor(writer: IpWriter, counters: Counters, router: RouterAddresses, answerEcho: boolean) {
    this.#writer = writer;
    this.#counters = counters;
    this.#router = router;
    this.#answerEcho = answerEcho;
  }

  /** An ICMP message has arrived. */
  receive(packet: Packet, now: number): void {
    const { bytes, payloadAt, end, addressLength } = packet;
    if (end - payloadAt < ICMP_HEADER) {
      this.#counters.dropMalformed++;
      return;
    }
    const request = addressLength === 4 ? ECHO_REQUEST_4 : ECHO_REQUEST_6;
    if (bytes[payloadAt] !== request || bytes[payloadAt + 1] !== 0) {
      this.#counters.icmpIgnored++;
      return;
    }
    // An answer carries a sum of its own: it must not vouch for bytes that were changed on the way.
    if (!checksumHolds(packet)) {
      this.#counters.dropChecksum++;
      return;
    }
    if (!this.#answerEcho) return this.refuse(packet, "prohibited", now, 0);
    this.#counters.icmpEchoAnswered++;
    const writer = this.#writer;
    this.#turn(packet);
    const upper = writer.upper;
    upper[0] = addressLength === 4 ? ECHO_REPLY_4 : ECHO_REPLY_6;
    upper[1] = 0;
    for (let i = 4; i < ICMP_HEADER; i++) upper[i] = bytes[payloadAt + i]!;
    this.#send(payloadAt + ICMP_HEADER, end);
  }

  /** Answers a packet that is at hand with an error from its destination; `mtu` only for "too-big". */
  refuse(packet: Packet, error: IcmpError, now: number, mtu: number): void {
    if (!this.#mayAnswer(packet) || !this.#mayTalk(now)) return;
    const quote = packet.addressLength === 4 ? QUOTE_4 : QUOTE_6;
    this.#turn(packet);
    if (error === "hop-limit") this.#fromRouter(packet.addressLength);
    this.#error(error, mtu, packet.at, Math.min(packet.end, packet.at + quote));
  }

  /**
   * Reports an error for a packet that is gone: `[at, end)` is its header as far as it was kept, and
   * `source` its sender, who gets the message from `destination`.
   */
  report(
    error: IcmpError,
    source: Uint8Array,
    destination: Uint8Array,
    at: number,
    end: number,
    mtu: number,
    now: number,
  ): void {
    if (!this.#mayTalk(now)) return;
    this.#writer.setAddresses(destination, 0, source, 0, source.length);
    this.#error(error, mtu, at, end);
  }

  #error(error: IcmpError, mtu: number, quoteAt: number, quoteEnd: number): void {
    const writer = this.#writer;
    const { type, code } = icmpTypeAndCode(error, writer.addressLength);
    writer.upper[0] = type;
    writer.upper[1] = code;
    set32(writer.upper, 4, 0);
    if (error === "too-big") {
      if (writer.addressLength === 4) set16(writer.upper, 6, Math.min(mtu, 65_535));
      else set32(writer.upper, 4, mtu);
    }
    this.#counters.icmpErrorsSent++;
    this.#send(quoteAt, quoteEnd);
  }

  #send(payloadAt: number, payloadEnd: number): void {
    const protocol = this.#writer.addressLength === 4 ? ICMP : ICMPV6;
    this.#writer.send(protocol, ICMP_HEADER, ICMP_CHECKSUM, payloadAt, payloadEnd);
  }

  #turn(packet: Packet): void {
    const { bytes, sourceAt, destinationAt, addressLength } = packet;
    this.#writer.setAddresses(bytes, destinationAt, bytes, sourceAt, addressLength);
  }

  #fromRouter(addressLength: number): void {
    this.#writer.source.set(addressLength === 4 ? this.#router.ipv4 : this.#router.ipv6);
  }

  /** RFC 1122, 3.2.2: what is never answered with an error. */
  #mayAnswer(packet: Packet): boolean {
    const { bytes, destinationAt, sourceAt, addressLength, protocol, payloadAt, end } = packet;
    if (packet.isFragment && packet.fragmentOffset > 0) return false;
    if (isGroup(bytes[destinationAt]!, addressLength) || isGroup(bytes[sourceAt]!, addressLength)) {
      return false;
    }
    const icmp = protocol === (addressLength === 4 ? ICMP : ICMPV6);
    return !icmp || (end > payloadAt && !isIcmpError(bytes[payloadAt]!, addressLength));
  }

  #mayTalk(now: number): boolean {
    this.#tokens = Math.min(BURST, this.#tokens + (now - this.#filledAt) * RATE / 1000);
    this.#filledAt = now;
    if (this.#tokens < 1) {
      this.#counters.dropIcmpLimit++;
      return false;
    }
    this.#tokens--;
    return true;
  }
}

function checksumHolds(packet: Packet): boolean {
  const { bytes, payloadAt, end, addressLength } = packet;
  if (addressLength === 16) return packet.transportChecksumHolds(payloadAt, end);
  return packet.checksumTrusted || fold(addWords(bytes, payloadAt, end, 0)) === 0xffff;
}

/** Multicast and broadcast, by the first byte (class D and above; ff00::/8). */
function isGroup(first: number, addressLength: number): boolean {
  return addressLength === 4 ? first >= 224 : first === 0xff;
}
