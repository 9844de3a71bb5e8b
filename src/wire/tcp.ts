/**
 * TCP headers and options (RFC 9293, 7323, 2018).
 *
 *     |          Source port          |        Destination port       |
 *     |                        Sequence number                        |
 *     |                     Acknowledgment number                     |
 *     |Offset |  reserved and flags   |            Window             |
 *     |            Checksum           |         Urgent pointer        |
 *     |                            Options                            |
 */

import { get16, get32, set16, set32 } from "../bytes.ts";

export const TCP_HEADER = 20;
export const TCP_SEQUENCE = 4;
export const TCP_ACKNOWLEDGMENT = 8;
export const TCP_OFFSET = 12;
export const TCP_FLAGS = 13;
export const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const OPTION_WINDOW_SCALE = 3;
const OPTION_SACK_PERMITTED = 4;
const OPTION_SACK = 5;
const OPTION_TIMESTAMPS = 8;

/** NOP NOP TIMESTAMPS 10: how everybody lays out the only option of an ordinary segment. */
const TIMESTAMPS_ALONE = 0x0101_080a;
export const TIMESTAMPS_LENGTH = 12;
/** As many SACK blocks as fit beside timestamps (RFC 2018, section 3). */
export const MOST_SACK_BLOCKS = 4;

/** Shifts beyond this are read as this (RFC 7323, section 2.3). */
const MOST_SHIFT = 14;

/** One segment's header, decoded in place over and over. */
export class TcpSegment {
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgment = 0;
  flags = 0;
  window = 0;
  dataAt = 0;
  dataEnd = 0;
  /** 0 when the option is absent. */
  mss = 0;
  /** -1 when the option is absent. */
  windowShift = -1;
  sackPermitted = false;
  hasTimestamps = false;
  timestamp = 0;
  timestampEcho = 0;
  sackBlocks = 0;
  /** Pairs of edges, `sackBlocks` of them. */
  readonly sack = new Uint32Array(2 * MOST_SACK_BLOCKS);

  /** Decodes the segment in `[at, end)`; false when the header does not fit. */
  decode(bytes: Uint8Array, at: number, end: number): boolean {
    if (end - at < TCP_HEADER) return false;
    const headerLength = (bytes[at + TCP_OFFSET]! >> 4) * 4;
    if (headerLength < TCP_HEADER || at + headerLength > end) return false;
    this.sourcePort = get16(bytes, at);
    this.destinationPort = get16(bytes, at + 2);
    this.sequence = get32(bytes, at + TCP_SEQUENCE);
    this.acknowledgment = get32(bytes, at + TCP_ACKNOWLEDGMENT);
    this.flags = bytes[at + TCP_FLAGS]!;
    this.window = get16(bytes, at + TCP_WINDOW);
    this.dataAt = at + headerLength;
    this.dataEnd = end;
    this.sackBlocks = 0;
    this.hasTimestamps = false;
    const optionsAt = at + TCP_HEADER;
    if (headerLength === TCP_HEADER) this.#clearHandshakeOptions();
    else if (
      headerLength === TCP_HEADER + TIMESTAMPS_LENGTH &&
      get32(bytes, optionsAt) === TIMESTAMPS_ALONE
    ) {
      this.#clearHandshakeOptions();
      this.#readTimestamps(bytes, optionsAt + 4);
    } else this.#decodeOptions(bytes, optionsAt, this.dataAt);
    return true;
  }

  /** How much sequence space the segment takes. */
  get length(): number {
    return this.dataEnd - this.dataAt + (this.flags & SYN ? 1 : 0) + (this.flags & FIN ? 1 : 0);
  }

  #clearHandshakeOptions(): void {
    this.mss = 0;
    this.windowShift = -1;
    this.sackPermitted = false;
  }

  #readTimestamps(bytes: Uint8Array, at: number): void {
    this.hasTimestamps = true;
    this.timestamp = get32(bytes, at);
    this.timestampEcho = get32(bytes, at + 4);
  }

  #decodeOptions(bytes: Uint8Array, at: number, end: number): void {
    this.#clearHandshakeOptions();
    while (at < end) {
      const kind = bytes[at]!;
      if (kind === OPTION_END) return;
      if (kind === OPTION_NOP) {
        at++;
        continue;
      }
      const length = at + 1 < end ? bytes[at + 1]! : 0;
      if (length < 2 || at + length > end) return;
      this.#decodeOption(bytes, at, kind, length);
      at += length;
    }
  }

  #decodeOption(bytes: Uint8Array, at: number, kind: number, length: number): void {
    if (kind === OPTION_MSS && length === 4) this.mss = get16(bytes, at + 2);
    else if (kind === OPTION_WINDOW_SCALE && length === 3) {
      this.windowShift = Math.min(bytes[at + 2]!, MOST_SHIFT);
    } else if (kind === OPTION_SACK_PERMITTED && length === 2) this.sackPermitted = true;
    else if (kind === OPTION_TIMESTAMPS && length === 10) this.#readTimestamps(bytes, at + 2);
    else if (kind === OPTION_SACK && (length - 2) % 8 === 0) {
      this.sackBlocks = Math.min((length - 2) / 8, MOST_SACK_BLOCKS);
      for (let i = 0; i < 2 * this.sackBlocks; i++) this.sack[i] = get32(bytes, at + 2 + 4 * i);
    }
  }
}

/** Writes NOP NOP TIMESTAMPS at `at`; 12 bytes. */
export function writeTimestamps(bytes: Uint8Array, at: number, value: number, echo: number): void {
  set32(bytes, at, TIMESTAMPS_ALONE);
  set32(bytes, at + 4, value);
  set32(bytes, at + 8, echo);
}

/** Writes MSS and the options that were agreed on for a SYN; returns where they end. */
export function writeSynOptions(
  bytes: Uint8Array,
  at: number,
  mss: number,
  windowShift: number,
  sackPermitted: boolean,
  timestamps: boolean,
  timestamp: number,
  echo: number,
): number {
  bytes[at] = OPTION_MSS;
  bytes[at + 1] = 4;
  set16(bytes, at + 2, mss);
  at += 4;
  if (windowShift >= 0) {
    set32(bytes, at, (OPTION_NOP << 24) | (OPTION_WINDOW_SCALE << 16) | (3 << 8) | windowShift);
    at += 4;
  }
  if (sackPermitted) {
    set32(bytes, at, (OPTION_NOP << 24) | (OPTION_NOP << 16) | (OPTION_SACK_PERMITTED << 8) | 2);
    at += 4;
  }
  if (timestamps) {
    writeTimestamps(bytes, at, timestamp, echo);
    at += TIMESTAMPS_LENGTH;
  }
  return at;
}

/** Begins a SACK option for `blocks` blocks, padded in front; returns where the first edge goes. */
export function writeSackHeader(bytes: Uint8Array, at: number, blocks: number): number {
  set32(bytes, at, (OPTION_NOP << 24) | (OPTION_NOP << 16) | (OPTION_SACK << 8) | (2 + 8 * blocks));
  return at + 4;
}
