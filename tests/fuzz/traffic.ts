/**
 * Packets for a whole stack: conversations that go on, fragments, datagrams, pings, packets captured
 * from Linux; each left alone or damaged, and when damaged, often made plausible again.
 */

import { get16 } from "../../src/bytes.ts";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.ts";
import { SYN } from "../../src/wire/tcp.ts";
import { plainPackets, vnetPackets } from "../vectors/packets/packets.ts";
import { fragment } from "./fragmenter.ts";
import { Mutator } from "./mutate.ts";
import { PacketBuilder } from "./packet_builder.ts";
import { Peer } from "./peer.ts";
import type { Random } from "./random.ts";
import { repairChecksums, repairLengths } from "./repair.ts";

const PEERS = 28;
const FIRST_PORT = 1024;

export class Traffic {
  readonly #random: Random;
  readonly #builder: PacketBuilder;
  readonly #captures: readonly Uint8Array[];
  readonly #mutator: Mutator;
  readonly #peers: (Peer | undefined)[] = new Array(PEERS).fill(undefined);
  readonly #pieces: Uint8Array[] = [];
  #generation = 0;

  constructor(random: Random, vnet: boolean) {
    this.#random = random;
    this.#builder = new PacketBuilder(vnet);
    this.#captures = (vnet ? vnetPackets : plainPackets).map((packet) => packet.bytes);
    this.#mutator = new Mutator(random, this.#captures);
  }

  /** The next packet; valid until the next call. */
  next(): Uint8Array {
    const random = this.#random;
    const piece = this.#pieces.shift();
    if (piece !== undefined) return random.oneIn(10) ? this.#damaged(piece) : piece;
    const packet = this.#sound();
    if (random.oneIn(25)) {
      const { vnet, ipAt } = this.#builder;
      this.#pieces.push(...fragment(random, packet, ipAt, packet.length, vnet));
      const first = this.#pieces.shift();
      if (first !== undefined) return first;
    }
    return random.oneIn(3) ? this.#damaged(packet) : packet;
  }

  /** A segment that the stack sends: TCP header at `at`, addresses in front of it. */
  observe(bytes: Uint8Array, ipAt: number, at: number, payload: number): void {
    const port = get16(bytes, at + 2);
    const index = port % PEERS;
    const known = this.#peers[index];
    if (known?.port === port) return known.observe(bytes, at, payload);
    // A connection that the stack opens: somebody has to answer.
    if (bytes[at + 13] !== SYN) return;
    const length = bytes[ipAt]! >> 4 === 4 ? 4 : 16;
    const source = bytes.slice(at - 2 * length, at - length);
    const destination = bytes.slice(at - length, at);
    const peer = new Peer(this.#random, destination, port, source, get16(bytes, at));
    peer.observe(bytes, at, payload);
    this.#peers[index] = peer;
  }

  #sound(): Uint8Array {
    const random = this.#random;
    switch (random.below(16)) {
      case 0:
        return this.#capture();
      case 1:
        return this.#datagram();
      case 2:
        return this.#message();
      case 3:
        return this.#rubbish();
      default:
        return this.#segment();
    }
  }

  #segment(): Uint8Array {
    const random = this.#random;
    const index = random.below(PEERS);
    let peer = this.#peers[index];
    if (peer === undefined || peer.over) peer = this.#peers[index] = this.#newPeer(index);
    const largest = this.#builder.vnet && random.oneIn(4) ? 60_000 : 1_400;
    const segment = peer.next(random, largest);
    this.#builder.ip(TCP, peer.address, peer.server);
    this.#builder.tcp(peer.port, peer.serverPort, segment);
    return this.#builder.close();
  }

  #newPeer(index: number): Peer {
    this.#generation = (this.#generation + 1) % 1000;
    const [client, server] = this.#addresses();
    // Few ports, so that old ones come back while the stack still knows them.
    const port = FIRST_PORT - FIRST_PORT % PEERS + PEERS * (1 + this.#generation % 50) + index;
    return new Peer(this.#random, client, port, server, 80);
  }

  #datagram(): Uint8Array {
    const random = this.#random;
    const [client, server] = this.#addresses();
    const most = random.oneIn(20) ? 65_000 : 1_400;
    const segmentSize = random.oneIn(4) ? 100 + random.below(1_400) : 0;
    this.#builder.ip(UDP, client, server);
    this.#builder.udp(random.next() & 0xffff, 53, random.below(most), segmentSize);
    return this.#builder.close();
  }

  #message(): Uint8Array {
    const random = this.#random;
    const [client, server] = this.#addresses();
    const ipv4 = client.length === 4;
    this.#builder.ip(ipv4 ? ICMP : ICMPV6, client, server);
    const echo = ipv4 ? 8 : 128;
    this.#builder.icmp(random.oneIn(3) ? random.next() : echo, 0, random.below(1_300));
    return this.#builder.close();
  }

  #capture(): Uint8Array {
    const { bytes } = this.#builder;
    const packet = this.#random.pick(this.#captures);
    bytes.set(packet);
    return bytes.subarray(0, packet.length);
  }

  #rubbish(): Uint8Array {
    const { bytes } = this.#builder;
    const length = this.#random.below(120);
    this.#random.fill(bytes, 0, length);
    return bytes.subarray(0, length);
  }

  #damaged(packet: Uint8Array): Uint8Array {
    const random = this.#random;
    const { bytes, ipAt, limit } = this.#builder;
    if (packet.buffer !== bytes.buffer) bytes.set(packet);
    // The virtio header is the kernel's own word, but nothing may break if it lies.
    const from = random.oneIn(8) ? 0 : Math.min(ipAt, packet.length);
    const end = this.#mutator.mutate(bytes, from, packet.length, limit);
    if (!random.oneIn(4)) repairLengths(bytes, ipAt, end);
    if (!random.oneIn(4)) repairChecksums(bytes, ipAt, end);
    return bytes.subarray(0, end);
  }

  #addresses(): [Uint8Array, Uint8Array] {
    return this.#random.oneIn(2) ? IPV4 : IPV6;
  }
}

const IPV4: [Uint8Array, Uint8Array] = [
  new Uint8Array([198, 18, 0, 1]),
  new Uint8Array([192, 0, 2, 1]),
];
const IPV6: [Uint8Array, Uint8Array] = [
  new Uint8Array([0xfd, 0x7a, 0x74, 0x75, 0x6e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
  new Uint8Array([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
];
