/**
 * Netlink messages: a header, a fixed structure, then attributes (RFC 3549, `uapi/linux/netlink.h`).
 *
 * Everything is in host order and padded to four octets.
 */

import type { Prefix } from "../src/addr/prefix.ts";
import { get16le, get32le, set16le, set32le } from "../src/bytes.ts";

const HEADER_SIZE = 16;
const OFFSET_LENGTH = 0;
const OFFSET_TYPE = 4;
const OFFSET_FLAGS = 6;
const OFFSET_SEQUENCE = 8;
const ATTRIBUTE_HEADER_SIZE = 4;
/** Two bits of the type say "nested" and "network order"; neither is part of its number. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;

function padded(length: number): number {
  return (length + 3) & ~3;
}

/** A message being written. The routing requests of this program are all far below its size. */
export class NetlinkRequest {
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(512);
  readonly type: number;
  #end = HEADER_SIZE;

  constructor(type: number, flags: number, structure: Uint8Array) {
    this.type = type;
    set16le(this.bytes, OFFSET_TYPE, type);
    set16le(this.bytes, OFFSET_FLAGS, flags);
    this.bytes.set(structure, HEADER_SIZE);
    this.#end += padded(structure.length);
  }

  attribute(type: number, value: Uint8Array): this {
    const length = ATTRIBUTE_HEADER_SIZE + value.length;
    set16le(this.bytes, this.#end, length);
    set16le(this.bytes, this.#end + 2, type);
    this.bytes.set(value, this.#end + ATTRIBUTE_HEADER_SIZE);
    this.#end += padded(length);
    return this;
  }

  attribute32(type: number, value: number): this {
    const octets = new Uint8Array(4);
    set32le(octets, 0, value);
    return this.attribute(type, octets);
  }

  attributeText(type: number, text: string): this {
    return this.attribute(type, new TextEncoder().encode(`${text}\0`));
  }

  /** Attributes within an attribute, each a 32-bit number. */
  nested32(type: number, values: ReadonlyMap<number, number>): this {
    const octets = new Uint8Array(values.size * 8);
    let at = 0;
    for (const [inner, value] of values) {
      set16le(octets, at, 8);
      set16le(octets, at + 2, inner);
      set32le(octets, at + 4, value);
      at += 8;
    }
    return this.attribute(type, octets);
  }

  /** Fills in length and sequence number; gives the length. */
  finish(sequence: number): number {
    set32le(this.bytes, OFFSET_LENGTH, this.#end);
    set32le(this.bytes, OFFSET_SEQUENCE, sequence);
    return this.#end;
  }
}

/** A message that was read: where it lies in its buffer. */
export interface NetlinkMessage {
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Where the fixed structure begins, and the message ends. */
  readonly at: number;
  readonly end: number;
}

/** The messages in the first `length` bytes; a crooked one ends the list. */
export function* readMessages(bytes: Uint8Array, length: number): Generator<NetlinkMessage> {
  let at = 0;
  while (at + HEADER_SIZE <= length) {
    const size = get32le(bytes, at + OFFSET_LENGTH);
    if (size < HEADER_SIZE || at + size > length) return;
    yield {
      bytes,
      type: get16le(bytes, at + OFFSET_TYPE),
      flags: get16le(bytes, at + OFFSET_FLAGS),
      sequence: get32le(bytes, at + OFFSET_SEQUENCE),
      at: at + HEADER_SIZE,
      end: at + size,
    };
    at += padded(size);
  }
}

/** The attributes between `at` and `end`, each a copy, by type; the last of a type wins. */
export function readAttributes(
  bytes: Uint8Array,
  at: number,
  end: number,
): Map<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  while (at + ATTRIBUTE_HEADER_SIZE <= end) {
    const size = get16le(bytes, at);
    if (size < ATTRIBUTE_HEADER_SIZE || at + size > end) break;
    const type = get16le(bytes, at + 2) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, bytes.slice(at + ATTRIBUTE_HEADER_SIZE, at + size));
    at += padded(size);
  }
  return attributes;
}

/** The attributes within an attribute; none when it is missing. */
export function nestedAttributes(value: Uint8Array = new Uint8Array(0)): Map<number, Uint8Array> {
  return readAttributes(value, 0, value.length);
}

/** A NUL-terminated text. */
export function attributeText(value: Uint8Array | undefined): string {
  if (value === undefined) return "";
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}

/** A 32-bit number; undefined when the attribute is missing or shorter. */
export function attributeNumber(value: Uint8Array | undefined): number | undefined {
  return value === undefined || value.length < 4 ? undefined : get32le(value, 0);
}

/** An address whose length as a prefix stands elsewhere in the message. */
export function attributePrefix(
  address: Uint8Array | undefined,
  length: number,
): Prefix | undefined {
  return address === undefined ? undefined : { address, length };
}

/** The value without its undefined members: what a message did not say is left out. */
export function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as T;
}
