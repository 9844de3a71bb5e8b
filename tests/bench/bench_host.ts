/**
 * A stack with open TCP connections, for benches: what it sends is counted and dropped, and what the local
 * host sends is one packet in one slot, patched in place. So little is measured but the stack.
 */

import { Arena } from "../../src/arena.ts";
import { set16, set32 } from "../../src/bytes.ts";
import { defaultSettings } from "../../src/config/settings.ts";
import { stackOptions } from "../../src/engine/stack_options.ts";
import type { PacketOutput } from "../../src/packet_output.ts";
import { Stack, type StackHandler } from "../../src/stack/stack.ts";
import type { TcpConnection, TcpOwner } from "../../src/stack/tcp/connection.ts";
import { timestampOf } from "../../src/stack/tcp/segment_writer.ts";
import { TCP_ACKNOWLEDGMENT, TCP_HEADER, TCP_SEQUENCE } from "../../src/wire/tcp.ts";
import { VNET_HEADER } from "../../src/wire/vnet_header.ts";
import {
  ackSegment,
  type AddressLength,
  FIRST_PORT,
  synSegment,
  withVnetHeader,
} from "./packets.ts";

const TIMESTAMP_ECHO = TCP_HEADER + 8;

/** Counts the bytes that are sent, and that is all. */
class CountingOutput implements PacketOutput {
  readonly arena = new Arena(new Uint8Array(Arena.size(8, 64)), 8, 64);
  readonly mtu = 1_500;
  readonly vnet: boolean;
  readonly udpSegments = false;
  bytes = 0;
  readonly #header = this.arena.takeSmall();

  constructor(vnet: boolean) {
    this.vnet = vnet;
  }

  headerAt(): number {
    return this.#header;
  }

  send(headerAt: number, headerEnd: number, payloadAt: number, payloadEnd: number): boolean {
    this.bytes = (this.bytes + headerEnd - headerAt + payloadEnd - payloadAt) | 0;
    return true;
  }
}

export class BenchHost implements StackHandler, TcpOwner {
  readonly output: CountingOutput;
  readonly stack: Stack;
  /** What a connection does when there is room to send. */
  onWritable: (connection: TcpConnection) => void = () => {};
  now = 1_000;
  readonly #addressLength: AddressLength;
  readonly #packetAt: number;
  #packetEnd = 0;
  readonly #connections: TcpConnection[] = [];
  #opened: TcpConnection | undefined = undefined;

  constructor(vnet: boolean, addressLength: AddressLength) {
    this.output = new CountingOutput(vnet);
    this.stack = new Stack(this.output, this, {
      ...stackOptions(defaultSettings()),
      random: (bytes) => bytes.forEach((_, i) => bytes[i] = i * 7 + 1),
    });
    this.#addressLength = addressLength;
    this.#packetAt = this.output.arena.takeLarge();
  }

  /** An established connection, another one for every index. */
  open(index: number): TcpConnection {
    this.place(synSegment(index, this.#addressLength));
    this.receive();
    const connection = this.#opened!;
    connection.accept();
    this.place(ackSegment(index, this.#addressLength, connection.sndNxt));
    this.receive();
    if (connection.state !== "Established") throw new Error(`Cannot open: ${connection.state}`);
    this.#connections.push(connection);
    return connection;
  }

  /** Lays down the packet that the local host sends from now on. */
  place(packet: Uint8Array): void {
    const bytes = this.output.vnet ? withVnetHeader(packet) : packet;
    this.output.arena.bytes.set(bytes, this.#packetAt);
    this.#packetEnd = this.#packetAt + bytes.length;
  }

  /** The packet arrives, by itself: the stack answers before the next one. */
  receive(): void {
    this.now += 0.01;
    this.stack.receive(this.#packetAt, this.#packetEnd, this.now);
    this.stack.flush(this.now);
  }

  /** The packet arrives as the next one of the connection that was opened as number `index`. */
  receiveNext(index: number, acknowledged: number): number {
    const connection = this.#connections[index]!;
    const { bytes } = this.output.arena;
    const tcpAt = this.#packetAt + VNET_HEADER + connection.writer.ipHeader;
    set16(bytes, tcpAt, FIRST_PORT + index);
    set32(bytes, tcpAt + TCP_SEQUENCE, connection.rcvNxt);
    set32(bytes, tcpAt + TCP_ACKNOWLEDGMENT, connection.sndUna + acknowledged);
    set32(bytes, tcpAt + TIMESTAMP_ECHO, timestampOf(connection));
    const before = this.output.bytes;
    this.receive();
    if (this.output.bytes === before) throw new Error("The stack did not answer");
    return before;
  }

  tcpOpened(connection: TcpConnection): void {
    connection.owner = this;
    this.#opened = connection;
  }

  udpReceived(): void {}

  received(connection: TcpConnection, at: number, end: number): number {
    connection.consumed(end - at);
    return end - at;
  }

  writable(connection: TcpConnection): void {
    this.onWritable(connection);
  }

  connected(): void {}
  finished(): void {}
  closed(): void {}
  failed(): void {}
}
