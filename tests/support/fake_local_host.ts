/**
 * The local host behind a fake TUN device: a second stack, which opens connections, sends datagrams, and
 * hears ICMP errors as a kernel would.
 */

import { Poller } from "../../ffi/poller_linux.ts";
import { Memory } from "../../ffi/memory.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { parseAddress } from "../../src/addr/address.ts";
import { Arena, LARGE_SLOT } from "../../src/arena.ts";
import { get16, get32 } from "../../src/bytes.ts";
import { Counters } from "../../src/counters.ts";
import { TUN_LINK_TAIL, TunLink } from "../../src/link/tun_link.ts";
import { Stack, type StackHandler, type StackOptions } from "../../src/stack/stack.ts";
import type { TcpConnection } from "../../src/stack/tcp/connection.ts";
import { ICMP_HEADER, type IcmpError, icmpTypeAndCode } from "../../src/wire/icmp.ts";
import { Packet } from "../../src/wire/packet.ts";
import { ICMP, ICMPV6, TCP } from "../../src/wire/protocol.ts";
import { LocalFlow } from "./fake_local_flow.ts";

export const LOCAL_4 = new Uint8Array([198, 18, 0, 1]);
export const LOCAL_6 = new Uint8Array([
  0xfd,
  0x7a,
  0x74,
  0x75,
  0x6e,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  1,
]);

/** An ICMP error as it came, about a packet that this host sent. */
export interface LocalError {
  readonly error: IcmpError;
  /** Next-hop MTU; only "too-big" has one. */
  readonly mtu: number;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly port: number;
}

export interface Datagram {
  readonly from: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly payload: Uint8Array;
}

const ERRORS: readonly IcmpError[] = [
  "network-unreachable",
  "host-unreachable",
  "port-unreachable",
  "prohibited",
  "too-big",
  "hop-limit",
  "reassembly-time",
];
const IDLE_TURNS = 20;
const LARGE_SLOTS = 256;
const SMALL_SLOTS = 4_096;

export class LocalHost implements StackHandler {
  readonly stack: Stack;
  readonly arena: Arena;
  readonly counters = new Counters();
  readonly errors: LocalError[] = [];
  readonly datagrams: Datagram[] = [];
  readonly #link: TunLink;
  readonly #memory: Memory;
  readonly #poller = new Poller();
  readonly #packet: Packet;
  readonly #loop: Promise<void>;
  readonly #flows = new Map<number, LocalFlow>();
  #slot: number;
  #lastPort = 40_000;
  #running = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;

  constructor(device: TunDevice, mtu = 1500, flowBytes = 1 << 20) {
    const tailAt = Arena.size(LARGE_SLOTS, SMALL_SLOTS);
    this.#memory = new Memory(tailAt + TUN_LINK_TAIL);
    this.arena = new Arena(this.#memory.bytes, LARGE_SLOTS, SMALL_SLOTS);
    this.#link = new TunLink(device, mtu, this.arena, this.#memory, tailAt, this.counters);
    this.stack = new Stack(this.#link, this, stackOptions(flowBytes), this.counters);
    this.#packet = new Packet(this.arena.bytes);
    this.#slot = this.arena.takeLarge();
    this.#poller.add(device.fd);
    this.#loop = this.#run();
  }

  /** Begins to connect; `flow` tells what comes of it. */
  connect(address: string, port: number, sourcePort = ++this.#lastPort): LocalFlow {
    const to = addressOf(address);
    const flow = new LocalFlow(this);
    this.#flows.set(sourcePort, flow);
    this.act(() => {
      const connection = this.stack.connect({
        localAddress: to.length === 4 ? LOCAL_4 : LOCAL_6,
        localPort: sourcePort,
        remoteAddress: to,
        remotePort: port,
      }, performance.now());
      if (connection === undefined) throw new Error(`Cannot connect from port ${sourcePort}`);
      flow.adopt(connection);
    });
    return flow;
  }

  sendUdp(sourcePort: number, address: string, port: number, payload: Uint8Array): void {
    const to = addressOf(address);
    const at = this.arena.takeLarge();
    if (at < 0) throw new Error("The local host has no memory for a datagram");
    this.arena.bytes.set(payload, at);
    const from = to.length === 4 ? LOCAL_4 : LOCAL_6;
    const end = at + payload.length;
    this.act(() => this.stack.sendUdp(from, 0, sourcePort, to, 0, port, to.length, at, end));
    this.arena.release(at);
  }

  /** The datagrams that came to `port`. */
  received(port: number): Datagram[] {
    return this.datagrams.filter(({ toPort }) => toPort === port);
  }

  /** Does something to the stack or a connection, and then what an engine does after every batch. */
  act(action: () => void): void {
    this.stack.now = performance.now();
    action();
    this.#settle();
  }

  /** Aborts what is left, and ends; the device may be closed afterwards. */
  async close(): Promise<void> {
    this.act(() => this.stack.connections.forEach((connection) => connection.abort()));
    this.#running = false;
    this.#poller.wake();
    await this.#loop;
    clearTimeout(this.#timer);
    this.#poller.close();
    this.#memory.free();
  }

  tcpOpened(connection: TcpConnection): void {
    connection.refuse();
  }

  udpReceived(packet: Packet, fromPort: number, toPort: number, at: number, end: number): void {
    const { bytes, sourceAt, addressLength } = packet;
    const from = bytes.slice(sourceAt, sourceAt + addressLength).join(
      addressLength === 4 ? "." : ",",
    );
    this.datagrams.push({ from, fromPort, toPort, payload: bytes.slice(at, end) });
  }

  async #run(): Promise<void> {
    let idle = 0;
    while (this.#running) {
      idle = this.#readLink() ? 0 : idle + 1;
      if (idle < IDLE_TURNS) await new Promise<void>((next) => setImmediate(next));
      else {
        await this.#poller.wait();
        idle = 0;
      }
    }
  }

  #readLink(): boolean {
    let count = 0;
    for (; count < 64 && this.#slot >= 0; count++) {
      const end = this.#link.receive(this.#slot);
      if (end === this.#slot) break;
      this.#readError(this.#slot, end);
      this.stack.receive(this.#slot, end, performance.now());
      if (this.arena.references(this.#slot) > 1) {
        this.arena.release(this.#slot);
        this.#slot = this.arena.takeLarge();
      }
    }
    if (this.#slot < 0) this.#slot = this.arena.takeLarge();
    if (count > 0) this.#settle();
    return count > 0;
  }

  #readError(at: number, end: number): void {
    const packet = this.#packet;
    if (packet.decode(at, end, this.#link.vnet) !== "ok") return;
    const { bytes, payloadAt, addressLength } = packet;
    if (packet.protocol !== (addressLength === 4 ? ICMP : ICMPV6)) return;
    const found = ERRORS.find((error) => {
      const { type, code } = icmpTypeAndCode(error, addressLength);
      return bytes[payloadAt] === type && bytes[payloadAt + 1] === code;
    });
    if (found === undefined) return;
    const quote = payloadAt + ICMP_HEADER;
    const upper = quote + (addressLength === 4 ? (bytes[quote]! & 15) * 4 : 40);
    const mtu = addressLength === 4 ? get16(bytes, payloadAt + 6) : get32(bytes, payloadAt + 4);
    const error: LocalError = {
      error: found,
      mtu: found === "too-big" ? mtu : 0,
      protocol: bytes[quote + (addressLength === 4 ? 9 : 6)]!,
      sourcePort: get16(bytes, upper),
      port: get16(bytes, upper + 2),
    };
    this.errors.push(error);
    // As a kernel does it: an error about a connection that does not stand yet is the end of it.
    if (error.protocol === TCP) this.#flows.get(error.sourcePort)?.unreachable(found);
  }

  #settle(): void {
    const now = performance.now();
    this.stack.flush(now);
    const next = this.stack.nextDeadline;
    if (next >= this.#timerAt || next === Infinity) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.stack.advance(performance.now());
      this.#settle();
    }, Math.max(next - now, 0));
  }
}

function addressOf(text: string): Uint8Array {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`Not an address: ${text}`);
  return address;
}

function stackOptions(flowBytes: number): StackOptions {
  return {
    tcp: {
      flowBytes,
      idle: 7_200_000,
      halfClosed: 600_000,
      timeWait: 10,
      giveUp: 120_000,
      keepAliveInterval: 75_000,
      keepAliveProbes: 9,
      congestion: "cubic",
    },
    tcpBounds: { flows: 10_000, halfOpen: 10_000 },
    reassembly: { packets: 16, bytes: 8 * LARGE_SLOT, lifetime: 15_000 },
    router: { ipv4: LOCAL_4, ipv6: LOCAL_6 },
    answerEcho: true,
    random: (bytes) => void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
  };
}
