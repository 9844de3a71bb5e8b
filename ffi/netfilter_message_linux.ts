/**
 * Messages to netfilter's part of netlink (`uapi/linux/netfilter/nfnetlink.h`), one behind the other in
 * one growing buffer: what is sent together is done together or not at all.
 *
 * Unlike the rest of netlink, numbers in attributes are in network order. Only headers are in host order.
 */

import { set16, set16le, set32, set32le } from "../src/bytes.ts";

const HEADER_SIZE = 16;
const FAMILY_SIZE = 4;
const ATTRIBUTE_HEADER_SIZE = 4;
const NLA_F_NESTED = 0x8000;
const FIRST_SIZE = 4096;
const NLM_F_REQUEST = 0x01;

/** A value of 32 bits, octets as they are, or attributes within this one. */
export type AttributeValue = number | Uint8Array | readonly Attribute[];

export interface Attribute {
  readonly type: number;
  readonly value: AttributeValue;
}

export function attribute(type: number, value: AttributeValue): Attribute {
  return { type, value };
}

/** A NUL-terminated text. */
export function textAttribute(type: number, text: string): Attribute {
  return { type, value: new TextEncoder().encode(`${text}\0`) };
}

/** A 64-bit number, below 2^53. */
export function attribute64(type: number, value: number): Attribute {
  const octets = new Uint8Array(8);
  set32(octets, 0, Math.floor(value / 0x1_0000_0000));
  set32(octets, 4, value >>> 0);
  return { type, value: octets };
}

export interface NetfilterMessage {
  readonly type: number;
  /** Beyond "this is a request". */
  readonly flags: number;
  /** The protocol family that it is about. */
  readonly family: number;
  readonly resource: number;
  readonly attributes: readonly Attribute[];
}

export class NetfilterWriter {
  #bytes = new Uint8Array(FIRST_SIZE);
  #end = 0;

  /** What was written. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#end);
  }

  /** Appends a message. */
  message(message: NetfilterMessage, sequence: number): void {
    const start = this.#end;
    this.#reserve(HEADER_SIZE + FAMILY_SIZE);
    this.#end += HEADER_SIZE + FAMILY_SIZE;
    for (const each of message.attributes) this.#attribute(each);
    const bytes = this.#bytes;
    set32le(bytes, start, this.#end - start);
    set16le(bytes, start + 4, message.type);
    set16le(bytes, start + 6, NLM_F_REQUEST | message.flags);
    set32le(bytes, start + 8, sequence);
    bytes[start + HEADER_SIZE] = message.family;
    set16(bytes, start + HEADER_SIZE + 2, message.resource);
  }

  #attribute({ type, value }: Attribute): void {
    const start = this.#end;
    this.#reserve(ATTRIBUTE_HEADER_SIZE);
    this.#end += ATTRIBUTE_HEADER_SIZE;
    const nested = Array.isArray(value);
    if (nested) { for (const each of value as readonly Attribute[]) this.#attribute(each); }
    else this.#value(value as number | Uint8Array);
    const length = this.#end - start;
    if (length > 0xffff) throw new RangeError(`Cannot write an attribute of ${length} octets`);
    set16le(this.#bytes, start, length);
    set16le(this.#bytes, start + 2, nested ? type | NLA_F_NESTED : type);
    this.#reserve(3);
    this.#end = (this.#end + 3) & ~3;
  }

  #value(value: number | Uint8Array): void {
    if (typeof value === "number") {
      this.#reserve(4);
      set32(this.#bytes, this.#end, value);
      this.#end += 4;
      return;
    }
    this.#reserve(value.length);
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
  }

  /** What lies behind the end is always zero: it becomes padding, and the fields that nobody sets. */
  #reserve(length: number): void {
    const needed = this.#end + length;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
