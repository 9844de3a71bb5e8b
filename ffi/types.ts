/**
 * The shapes that the rest of the program sees of the operating system.
 *
 * One interface per facility; `<facility>_<system>.ts` provides it and `mod.ts` chooses.
 */

import type { Address } from "../src/addr/address.ts";
import type { Prefix } from "../src/addr/prefix.ts";

/** What the kernel leaves to us, and takes from us, on a TUN device. */
export interface TunOffload {
  /** Packets may come and go with a partial checksum. */
  readonly checksum: boolean;
  /** TCP super-segments, over IPv4 and IPv6. */
  readonly tso4: boolean;
  readonly tso6: boolean;
  /** UDP super-datagrams, over IPv4 and IPv6. */
  readonly uso4: boolean;
  readonly uso6: boolean;
}

export interface TunOptions {
  /** Name of the device; empty lets the kernel choose (ztun0, ztun1 …). */
  readonly name: string;
  readonly offload: "auto" | "off";
}

/**
 * An open TUN device: packets are read from and written to `fd`, which never blocks. Of a device with
 * several queues each is one of these, with a share of the packets.
 */
export interface TunDevice {
  readonly fd: number;
  readonly name: string;
  /** Every packet has a 10-byte `virtio_net_hdr` in front. */
  readonly vnet: boolean;
  readonly offload: TunOffload;
  /** Closes the descriptor; the device, its addresses and its routes vanish with the last one. */
  close(): void;
}

export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly mtu: number;
  readonly txQueueLength: number;
  /** A TUN device that was opened without IFF_NO_PI: four octets stand before every packet. */
  readonly packetInformation: boolean;
}

export interface LinkAddress {
  /** Index of the link. */
  readonly link: number;
  readonly prefix: Prefix;
}

export interface Route {
  /** Where it leads: a network, 0.0.0.0/0 and ::/0 included. */
  readonly destination: Prefix;
  /** Index of the link that packets leave by. */
  readonly link: number;
  /** Smaller is preferred; the kernel's default when left out. */
  readonly metric?: number;
  /** Routing table; the main one when left out. */
  readonly table?: number;
  /** Next hop, in routes that were read. */
  readonly gateway?: Address;
}

/** Links, addresses and routes of the network namespace that the process is in. */
export interface RouteSocket {
  /** The link of that name; undefined when there is none. */
  findLink(name: string): LinkInfo | undefined;
  setUp(link: number, up: boolean): void;
  setMtu(link: number, mtu: number): void;
  setTxQueueLength(link: number, packets: number): void;
  /** IPv6 addresses are usable at once: no duplicate address detection. */
  addAddress(address: LinkAddress): void;
  addRoute(route: Route): void;
  deleteRoute(route: Route): void;
  addresses(): LinkAddress[];
  /** Unicast routes of all tables. */
  routes(): Route[];
  close(): void;
}
