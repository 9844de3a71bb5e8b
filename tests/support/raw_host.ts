/**
 * The local host behind a fake TUN device, packet by packet: it sends what a script says, in the order in
 * which it says it, and acknowledges what comes. It has no stack: what it gets is what it got.
 */

import { errno, libc } from "../../ffi/libc.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { TCP } from "../../src/wire/protocol.ts";
import { ACK, FIN, RST, SYN } from "../../src/wire/tcp.ts";
import { GSO_UDP_SEGMENTS, writeVnetHeader } from "../../src/wire/vnet_header.ts";
import { toPlainPackets, withVnetHeader } from "../netsim/offload.ts";
import {
  be16,
  be32,
  ipPacket,
  join,
  type ReadIp,
  readIp,
  summedPacket,
} from "../src/stack/packets.ts";
import { eventually } from "./eventually.ts";

const PATIENCE = 60_000;
const MTU = 1500;
const FIRST_SEQUENCE = 0xffff_fff0;
const MSS_OPTION = [2, 4, ...be16(1_460)];

/** Anything that came and is not of a TCP flow: who sent it, and what was behind the IP header. */
export interface RawDatagram {
  readonly from: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

export class RawHost {
  readonly others: RawDatagram[] = [];
  readonly #device: TunDevice;
  readonly #flows = new Map<number, RawFlow>();
  readonly #buffer = new Uint8Array(1 << 17);

  constructor(device: TunDevice) {
    this.#device = device;
  }

  flow(source: Uint8Array, sourcePort: number, destination: Uint8Array, port: number): RawFlow {
    const flow = new RawFlow(this, source, sourcePort, destination, port);
    this.#flows.set(sourcePort, flow);
    return flow;
  }

  /** Sends a whole IP packet of which nobody vouches for the checksum. */
  send(packet: Uint8Array): void {
    this.write(withVnetHeader(packet));
  }

  /** Sends a datagram that stands for many, of `segment` bytes each. */
  sendSegments(packet: Uint8Array, segment: number): void {
    const bytes = withVnetHeader(packet);
    const header = packet[0]! >> 4 === 4 ? 20 : 40;
    writeVnetHeader(bytes, 0, GSO_UDP_SEGMENTS, segment, header + 8, header, 6);
    this.write(bytes);
  }

  write(bytes: Uint8Array): void {
    const whole = new Uint8Array(bytes);
    const written = Number(libc().write(this.#device.fd, whole, BigInt(whole.length)));
    if (written !== whole.length) throw new Error(`write: ${errno()}`);
  }

  /** Reads until `ask` has an answer. */
  async until<T>(what: string, ask: () => T | undefined): Promise<T> {
    return await eventually(what, () => {
      this.#readAll();
      return ask();
    }, PATIENCE);
  }

  #readAll(): void {
    for (;;) {
      const length = Number(
        libc().read(this.#device.fd, this.#buffer, BigInt(this.#buffer.length)),
      );
      if (length <= 0) return;
      for (const packet of toPlainPackets(this.#buffer.slice(0, length), MTU)) {
        if (isFragment(packet)) this.others.push(readFragment(packet));
        else this.#received(readIp(packet));
      }
    }
  }

  #received({ source, protocol, payload }: ReadIp): void {
    const port = new DataView(payload.buffer, payload.byteOffset).getUint16(2);
    if (protocol === TCP) return this.#flows.get(port)?.received(payload);
    this.others.push({ from: source.join("."), protocol, payload });
  }
}

function isFragment(packet: Uint8Array): boolean {
  return packet[0]! >> 4 === 4 && ((packet[6]! & 0x3f) | packet[7]!) !== 0;
}

/** As it is: only the whole has a checksum. */
function readFragment(packet: Uint8Array): RawDatagram {
  const from = packet.subarray(12, 16).join(".");
  return { from, protocol: packet[9]!, payload: packet.slice(20) };
}

/** One TCP connection, as the script wants it. */
export class RawFlow {
  /** What came, in its order: how a connection looks from here, whatever the packets were. */
  readonly events: string[] = [];
  readonly #host: RawHost;
  readonly #source: Uint8Array;
  readonly #sourcePort: number;
  readonly #destination: Uint8Array;
  readonly #port: number;
  readonly #chunks: Uint8Array[] = [];
  #expected = 0;
  /** Bytes of ours that were acknowledged, SYN and FIN among them. */
  acknowledged = 0;

  constructor(
    host: RawHost,
    source: Uint8Array,
    sourcePort: number,
    destination: Uint8Array,
    port: number,
  ) {
    this.#host = host;
    this.#source = source;
    this.#sourcePort = sourcePort;
    this.#destination = destination;
    this.#port = port;
  }

  get bytes(): Uint8Array {
    return join(...this.#chunks);
  }

  async open(): Promise<void> {
    this.#send(-1, SYN, MSS_OPTION, []);
    await this.happens("SYN ACK");
  }

  /** Asks for the connection, and does not wait. */
  syn(): void {
    this.#send(-1, SYN, MSS_OPTION, []);
  }

  /** Bytes at their place in the stream. */
  data(offset: number, payload: Uint8Array, flags = 0): void {
    this.#send(offset, ACK | flags, [], payload);
  }

  /** The same, in one packet that the kernel has not cut yet. */
  super(offset: number, payload: Uint8Array): void {
    const packet = this.#packet(offset, ACK, [], payload);
    const header = this.#source.length === 4 ? 20 : 40;
    const bytes = withVnetHeader(packet);
    const type = header === 20 ? 1 : 4;
    writeVnetHeader(bytes, 0, type, MTU - header - 20, header + 20, header, 16);
    this.#host.write(bytes);
  }

  finish(offset: number): void {
    this.#send(offset, ACK | FIN, [], []);
  }

  reset(offset: number): void {
    this.#send(offset, RST, [], []);
  }

  async happens(event: string): Promise<void> {
    const what = `${event} on port ${this.#port}`;
    await this.#host.until(what, () => this.events.includes(event) || undefined);
  }

  async arrived(length: number): Promise<void> {
    const what = `${length} bytes on port ${this.#port}`;
    await this.#host.until(what, () => this.bytes.length >= length || undefined);
  }

  /** Waits until so many bytes, SYN and FIN among them, have been taken. */
  async taken(length: number): Promise<void> {
    await this.#host.until(`${length} are taken`, () => this.acknowledged >= length || undefined);
  }

  received(segment: Uint8Array): void {
    const view = new DataView(segment.buffer, segment.byteOffset);
    const flags = segment[13]!;
    const sequence = view.getUint32(4);
    const payload = segment.subarray((segment[12]! >> 4) * 4);
    if ((flags & RST) !== 0) return void this.events.push("RST");
    if ((flags & SYN) !== 0) {
      if (this.events.length === 0) this.events.push("SYN ACK");
      this.#expected = (sequence + 1) >>> 0;
    }
    const acknowledged = (view.getUint32(8) - FIRST_SEQUENCE) >>> 0;
    this.acknowledged = Math.max(this.acknowledged, acknowledged);
    const wanted = (flags & SYN) !== 0 || sequence === this.#expected;
    if (wanted && (flags & SYN) === 0) this.#take(payload, (flags & FIN) !== 0);
    if ((flags & (SYN | FIN)) !== 0 || payload.length > 0) this.#acknowledge();
  }

  #take(payload: Uint8Array, finished: boolean): void {
    if (payload.length > 0) {
      this.#chunks.push(payload.slice());
      if (this.events.at(-1) !== "data") this.events.push("data");
    }
    if (finished) this.events.push("FIN");
    this.#expected = (this.#expected + payload.length + (finished ? 1 : 0)) >>> 0;
  }

  #acknowledge(): void {
    // A place that is ours in any case: the last byte that was acknowledged.
    this.#send(this.acknowledged - 1, ACK, [], []);
  }

  #send(offset: number, flags: number, options: number[], payload: ArrayLike<number>): void {
    this.#host.send(this.#packet(offset, flags, options, payload));
  }

  #packet(
    offset: number,
    flags: number,
    options: number[],
    payload: ArrayLike<number>,
  ): Uint8Array {
    const header = join(
      be16(this.#sourcePort),
      be16(this.#port),
      be32((FIRST_SEQUENCE + 1 + offset) >>> 0),
      be32(this.#expected),
      [(5 + options.length / 4) << 4, flags],
      be16(0xffff),
      [0, 0, 0, 0],
      options,
    );
    const upper = join(header, Uint8Array.from(payload));
    const fields = { source: this.#source, destination: this.#destination, protocol: TCP };
    // A packet that the kernel is yet to cut has no checksum that anybody could verify.
    return upper.length > MTU
      ? ipPacket({ ...fields, payload: upper })
      : summedPacket(fields, upper, 16);
  }
}
