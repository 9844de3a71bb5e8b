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

export type IpFamily = 4 | 6;

export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  /** Somebody has brought it up. */
  readonly up: boolean;
  /** It is up and its far end answers: a cable is in, an access point is found. */
  readonly running: boolean;
  readonly mtu: number;
  readonly txQueueLength: number;
  /** What made it: "tun", "veth", "bridge" …; empty for hardware and the loopback device. */
  readonly kind: string;
  readonly loopback: boolean;
  readonly pointToPoint: boolean;
  /** Index of the bridge, bond or VRF that it is a part of. */
  readonly master?: number;
  /** A TUN device that was opened without IFF_NO_PI: four octets stand before every packet. */
  readonly packetInformation: boolean;
}

/** How far an address is known. */
export type AddressScope = "global" | "site" | "link" | "host" | "nowhere";

export interface LinkAddress {
  /** Index of the link. */
  readonly link: number;
  readonly prefix: Prefix;
  /** "global" when left out. */
  readonly scope?: AddressScope;
  /** The network of the prefix gets no route to this link by itself. */
  readonly noPrefixRoute?: boolean;
  /** In addresses that were read: not usable yet, because others may have it. */
  readonly tentative?: boolean;
  /** In addresses that were read: others had it first. */
  readonly duplicate?: boolean;
  /** In addresses that were read: not for new connections. */
  readonly deprecated?: boolean;
  /** In IPv6 addresses that were read: made up for privacy, and soon to be another one. */
  readonly temporary?: boolean;
}

/** What becomes of packets; the first five can be asked for. */
export type RouteType =
  | "unicast"
  | "unreachable"
  | "blackhole"
  | "prohibit"
  | "throw"
  | "local"
  | "broadcast"
  | "anycast"
  | "multicast"
  | "other";

/** One of several ways that a route shares its packets between. */
export interface RouteHop {
  readonly link: number;
  readonly gateway?: Address;
}

export interface Route {
  /** Where it leads: a network, 0.0.0.0/0 and ::/0 included. */
  readonly destination: Prefix;
  /** "unicast" when left out. */
  readonly type?: RouteType;
  /** Index of the link that packets leave by; none where they do not leave. */
  readonly link?: number;
  /** Next hop; one of the other family, too. */
  readonly gateway?: Address;
  /** The gateway is on the link even if no address says so. */
  readonly onLink?: boolean;
  /** Source address of packets that have none yet. */
  readonly source?: Address;
  /** Smaller is preferred; the kernel's default when left out. */
  readonly metric?: number;
  /** Routing table; the main one when left out. */
  readonly table?: number;
  readonly mtu?: number;
  /** Largest TCP segment that is announced. */
  readonly advmss?: number;
  /** Who made it, a number of `rt_protos`; "static" when left out. */
  readonly protocol?: number;
  /** Only for packets from there (IPv6). */
  readonly from?: Prefix;
  /** Only for packets of this type of service (IPv4). */
  readonly tos?: number;
  /** In routes that were read, instead of link and gateway. */
  readonly hops?: readonly RouteHop[];
}

export interface LookupOptions {
  readonly mark?: number;
  readonly uid?: number;
  /** Index of the link that it must leave by. */
  readonly outputLink?: number;
  /** Index of the link that it came from, being forwarded; needs a source. */
  readonly inputLink?: number;
  readonly source?: Address;
}

/** Where the kernel would send a packet. */
export interface RouteAnswer {
  readonly type: RouteType;
  readonly link: number;
  readonly table: number;
  readonly gateway?: Address;
  readonly source?: Address;
  /** Where the route, or what was learnt of the path, says another one than the link's. */
  readonly mtu?: number;
}

/** Both ends belong to it. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** The last two are for rules that were read. */
export type RuleAction = "lookup" | "unreachable" | "prohibit" | "blackhole" | "goto" | "nop";

/** Which packets go to which table, asked in the order of the priorities. */
export interface PolicyRule {
  readonly family: IpFamily;
  /** Smaller is asked first. */
  readonly priority: number;
  /** "lookup" when left out. */
  readonly action?: RuleAction;
  /** The table that is looked up. */
  readonly table?: number;
  /** For all packets but those that the rest describes. */
  readonly invert?: boolean;
  readonly from?: Prefix;
  readonly to?: Prefix;
  readonly mark?: number;
  /** The bits of the mark that count; all of them when left out. */
  readonly mask?: number;
  /** Name of the link that packets come from; "lo" for those of this host. */
  readonly inputLink?: string;
  /** Name of the link that a socket is bound to. */
  readonly outputLink?: string;
  readonly uids?: NumberRange;
  readonly ipProtocol?: number;
  readonly sourcePorts?: NumberRange;
  readonly destinationPorts?: NumberRange;
  /** Results with a prefix of this length or shorter do not count. */
  readonly suppressPrefixLength?: number;
  /** Who made it, a number of `rt_protos`; "static" when left out. */
  readonly protocol?: number;
  /** In rules that were read: it asks for more than is said here. */
  readonly more?: boolean;
}

/** Links, addresses, routes and rules of the network namespace that it was opened in. */
export interface RouteSocket {
  /** The link of that name; undefined when there is none. */
  findLink(name: string): LinkInfo | undefined;
  links(): LinkInfo[];
  setUp(link: number, up: boolean): void;
  setMtu(link: number, mtu: number): void;
  setTxQueueLength(link: number, packets: number): void;
  deleteLink(link: number): void;
  /** IPv6 addresses are usable at once: no duplicate address detection. */
  addAddress(address: LinkAddress): void;
  addresses(): LinkAddress[];
  addRoute(route: Route): void;
  /**
   * Takes away this route and no other: ESRCH when exactly this one is not there, EBUSY when the kernel
   * would take another one for it.
   */
  deleteRoute(route: Route): void;
  hasRoute(route: Route): boolean;
  /** Which of these are not there; one look at their table, however many they are. */
  missingRoutes(table: number, routes: readonly Route[]): Route[];
  /** Takes away all routes of a table, both families. */
  flushRoutes(table: number): void;
  /** Routes of both families, of one table or of all. */
  routes(table?: number): Route[];
  /** Of those, the ones to everywhere: few of what may be a hundred thousand. */
  defaultRoutes(table?: number): Route[];
  /** Where a packet to this address would go; undefined when there is no way. */
  lookup(address: Address, options?: LookupOptions): RouteAnswer | undefined;
  addRule(rule: PolicyRule): void;
  /** Takes away this rule and no other, with ENOENT and EBUSY likewise. */
  deleteRule(rule: PolicyRule): void;
  hasRule(rule: PolicyRule): boolean;
  /** Rules of both families, in the order in which they are asked. */
  rules(): PolicyRule[];
  close(): void;
}

/** What changed; "lost" means that the kernel could not say: look at everything again. */
export type NetworkEvent = "link" | "address" | "route" | "rule" | "lost";

/** Tells when links, addresses, routes or rules of a network namespace change. */
export interface NetworkEvents {
  /** Waits for changes, and gives the kinds of them; none once it is closed. */
  next(): Promise<ReadonlySet<NetworkEvent>>;
  close(): Promise<void>;
}
