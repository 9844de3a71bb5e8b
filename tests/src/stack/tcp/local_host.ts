/**
 * The local host's side of one TCP connection, by hand. Sequence numbers are relative: 0 is the SYN of
 * the side that sends, so that the first byte of data is 1 on both sides.
 */

import { assertEquals } from "@std/assert";
import type { TcpConnection, TcpFailure, TcpOwner } from "../../../../src/stack/tcp/connection.ts";
import { Harness, type HarnessOptions } from "../harness.ts";
import { be16, be32, FAR4, HOST4, join, readIp, summedPacket } from "../packets.ts";

export const HOST_PORT = 40_000;
export const FAR_PORT = 80;

/** A segment as the tests write it: flags as letters (S F R A P), everything else has a default. */
export interface Template {
  flags: string;
  seq?: number;
  ack?: number;
  window?: number;
  data?: Uint8Array | number;
  mss?: number;
  shift?: number;
  sackPermitted?: boolean;
  /** Timestamp and echo. */
  ts?: readonly [number, number];
  sack?: readonly (readonly [number, number])[];
}

/** A segment that the stack sent. */
export interface Seen {
  flags: string;
  seq: number;
  ack: number;
  window: number;
  length: number;
  data: Uint8Array;
  mss?: number;
  shift?: number;
  sackPermitted?: boolean;
  ts?: [number, number];
  sack?: [number, number][];
}

const LETTERS = ["F", "S", "R", "P", "A"];

export class LocalHost extends Harness implements TcpOwner {
  /** Our own first sequence number, and the stack's once it is known. */
  iss = 0xffff_ff00;
  farIss = 0;
  port = HOST_PORT;
  /** What the owner was told, in order. */
  readonly events: string[] = [];
  /** What the owner takes at a time; less than it is given is "no memory". */
  takes = Infinity;
  consumesAtOnce = true;
  onReceived: (connection: TcpConnection) => void = () => {};
  onFinished: (connection: TcpConnection) => void = () => {};
  onWritable: (connection: TcpConnection) => void = () => {};
  receivedBytes: number[] = [];

  constructor(options: HarnessOptions = {}) {
    super(options);
    this.onOpened = (connection) => connection.owner = this;
  }

  get connection(): TcpConnection {
    return this.opened.at(-1)!;
  }

  /** The packet of a template. */
  segment(template: Template): Uint8Array {
    const { flags, seq = 1, ack = 1, window = 65_535, data = 0 } = template;
    const bits = LETTERS.reduce((sum, letter, i) => sum | (flags.includes(letter) ? 1 << i : 0), 0);
    const options = optionsOf(template, this.farIss);
    const payload = typeof data === "number" ? pattern(seq, data) : data;
    const upper = join(
      be16(this.port),
      be16(FAR_PORT),
      be32((this.iss + seq) >>> 0),
      be32(flags.includes("A") ? (this.farIss + ack) >>> 0 : 0),
      [(20 + options.length) << 2, bits],
      be16(window),
      [0, 0, 0, 0],
      options,
      payload,
    );
    return summedPacket({ source: HOST4, destination: FAR4, protocol: 6 }, upper, 16);
  }

  /** Sends segments, and reads what the stack answers. */
  send(...templates: Template[]): Seen[] {
    return this.read(this.receive(...templates.map((template) => this.segment(template))));
  }

  pass(milliseconds: number): Seen[] {
    return this.read(this.wait(milliseconds));
  }

  /** Does something as the owner. */
  own(action: (connection: TcpConnection) => void): Seen[] {
    return this.read(this.act(() => action(this.connection)));
  }

  /** The owner gives so many bytes to send. */
  give(length: number): Seen[] {
    return this.own((connection) => {
      const at = this.place(pattern(0, length));
      connection.send(at, at + length);
    });
  }

  read(packets: Uint8Array[]): Seen[] {
    return packets.map((packet) => readIp(packet)).filter((ip) => ip.protocol === 6)
      .map((ip) => this.#readSegment(ip.payload));
  }

  /** Opens a connection up to the point where data may flow. */
  establish(syn: Partial<Template> = {}): Seen {
    this.send({ flags: "S", seq: 0, ...syn });
    const synAck = this.own((connection) => connection.accept())[0]!;
    assertEquals(synAck.flags, "SA");
    const ts: Partial<Template> = synAck.ts === undefined
      ? {}
      : { ts: [syn.ts?.[0] ?? 1, synAck.ts[0]] };
    this.send({ flags: "A", ...(syn.window === undefined ? {} : { window: syn.window }), ...ts });
    assertEquals(this.connection.state, "Established");
    return synAck;
  }

  connected(): void {
    this.events.push("connected");
  }

  received(connection: TcpConnection, at: number, end: number): number {
    const taken = Math.min(end - at, this.takes);
    this.receivedBytes.push(...this.link.arena.bytes.subarray(at, at + taken));
    if (this.consumesAtOnce) connection.consumed(taken);
    this.onReceived(connection);
    return taken;
  }

  finished(connection: TcpConnection): void {
    this.events.push("finished");
    this.onFinished(connection);
  }

  writable(connection: TcpConnection): void {
    this.onWritable(connection);
  }

  closed(): void {
    this.events.push("closed");
  }

  failed(_connection: TcpConnection, failure: TcpFailure): void {
    this.events.push(`failed: ${failure}`);
  }

  #readSegment(bytes: Uint8Array): Seen {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const bits = bytes[13]!;
    const flags = [...LETTERS.keys()].filter((i) => bits & (1 << i)).map((i) => LETTERS[i]).join(
      "",
    );
    if (flags === "SA" || flags === "S") this.farIss = view.getUint32(4);
    const header = (bytes[12]! >> 4) * 4;
    const seen: Seen = {
      flags,
      seq: (view.getUint32(4) - this.farIss) >>> 0,
      ack: flags.includes("A") ? (view.getUint32(8) - this.iss) >>> 0 : 0,
      window: view.getUint16(14),
      length: bytes.length - header,
      data: bytes.slice(header),
    };
    readOptions(view, header, seen, this.iss);
    return seen;
  }
}

/** Flags, numbers and length of segments, for a comparison in one line. */
export function brief(segments: Seen[]): string[] {
  return segments.map(({ flags, seq, ack, length }) => `${flags} ${seq}+${length} ack ${ack}`);
}

/** Bytes that tell where they belong. */
export function pattern(seq: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (seq + i) & 255);
}

function optionsOf(template: Template, farIss: number): Uint8Array {
  const { mss, shift, sackPermitted, ts, sack } = template;
  const options: number[] = [];
  if (mss !== undefined) options.push(2, 4, ...be16(mss));
  if (shift !== undefined) options.push(3, 3, shift);
  if (sackPermitted === true) options.push(4, 2);
  if (ts !== undefined) options.push(8, 10, ...be32(ts[0]), ...be32(ts[1]));
  if (sack !== undefined) {
    options.push(5, 2 + 8 * sack.length);
    for (const edge of sack.flat()) options.push(...be32((farIss + edge) >>> 0));
  }
  while (options.length % 4 !== 0) options.push(0);
  return new Uint8Array(options);
}

function readOptions(view: DataView, header: number, seen: Seen, iss: number): void {
  for (let at = 20; at < header;) {
    const kind = view.getUint8(at);
    if (kind === 0) return;
    const length = kind === 1 ? 1 : view.getUint8(at + 1);
    if (kind === 2) seen.mss = view.getUint16(at + 2);
    if (kind === 3) seen.shift = view.getUint8(at + 2);
    if (kind === 4) seen.sackPermitted = true;
    if (kind === 8) seen.ts = [view.getUint32(at + 2), view.getUint32(at + 6)];
    if (kind === 5) {
      seen.sack = [];
      for (let edge = at + 2; edge < at + length; edge += 8) {
        seen.sack.push([
          (view.getUint32(edge) - iss) >>> 0,
          (view.getUint32(edge + 4) - iss) >>> 0,
        ]);
      }
    }
    at += length;
  }
}
