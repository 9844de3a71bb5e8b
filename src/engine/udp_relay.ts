/**
 * UDP flows: local ports, the associations that they send through, and the way back.
 *
 * A local port gets an association of its own, so that its mapping is endpoint-independent (RFC 4787):
 * any remote may answer. Ports that only ask servers (NTP, QUIC) share a few, where each remote endpoint
 * belongs to the port that claimed it; so does everybody once there are as many associations as may be.
 * DNS goes its own way (dns_relay.ts).
 */

import { sameBytes } from "../bytes.ts";
import { decide } from "../router/router.ts";
import { FlowTable } from "../stack/flow_table.ts";
import { RecencyList } from "../stack/recency.ts";
import { SipHash } from "../stack/siphash.ts";
import { TimerHeap } from "../stack/timer_heap.ts";
import type { Packet } from "../wire/packet.ts";
import { AddressType, type UdpHeader, udpHeaderLength, writeUdpHeader } from "../wire/socks5.ts";
import { Association, type AssociationEvents } from "./association.ts";
import type { EngineContext } from "./context.ts";
import type { DnsRelay } from "./dns_relay.ts";
import type { Failed } from "./dial.ts";
import type { PathChange } from "./proxy_path.ts";
import { UdpMapping } from "./udp_mapping.ts";
import { UdpRun } from "./udp_run.ts";
import type { UdpVerdict } from "./udp_verdict.ts";

const DNS = 53;
/** Ports whose servers answer from where they were asked: NTP, HTTP/3. */
const ASKED_ONLY = new Set([123, 443]);
/** A port that talks to more remotes than this is no mere client, and gets its own association. */
const MOST_CLAIMS = 8;
/** After an association could not be opened, datagrams are refused for so long before the next try. */
const RETRY_AFTER = 1_000;
/** What an IPv4 datagram can carry; the relay's SOCKS5 header takes its part. */
const LARGEST_PAYLOAD = 65_507;

export class UdpRelay implements AssociationEvents {
  readonly #context: EngineContext;
  readonly #verdict: UdpVerdict;
  readonly #dns: DnsRelay;
  readonly #hash: SipHash;
  readonly #table: FlowTable<UdpMapping>;
  readonly #byId = new Map<number, UdpMapping>();
  readonly #recency = new RecencyList<UdpMapping>();
  readonly #timers = new TimerHeap<UdpMapping>();
  readonly #associations = new Set<Association>();
  readonly #run: UdpRun;
  /** When the first datagram was read of those that an association reads now; 0 between. */
  #readAt = 0;
  #lastId = 0;
  /** Whose datagram came last; the next one is often from the same port. */
  #last: UdpMapping | undefined;
  #retryAt = 0;
  #stopping = false;

  constructor(context: EngineContext, verdict: UdpVerdict, dns: DnsRelay, secret: Uint8Array) {
    this.#context = context;
    this.#verdict = verdict;
    this.#dns = dns;
    this.#hash = new SipHash(secret);
    this.#table = new FlowTable(this.#hash);
    this.#run = new UdpRun(context);
  }

  get mappings(): number {
    return this.#table.size;
  }

  get associations(): number {
    return this.#associations.size;
  }

  get nextDeadline(): number {
    return this.#timers.next;
  }

  /** A datagram from the local host, payload in `[at, end)` of the arena. */
  receive(packet: Packet, sourcePort: number, port: number, at: number, end: number): void {
    const { counters, stack } = this.#context;
    const { decision } = decide(packet.destination, 0, packet.addressLength);
    if (decision === "drop") {
      counters.dropAddress++;
      return;
    }
    if (decision === "refuse" || this.#stopping || port === 0) {
      counters.udpRefused++;
      return stack.refuse(packet, "port-unreachable");
    }
    const mapping = this.#mappingOf(packet, sourcePort);
    mapping.sent++;
    if (port === DNS && this.#dns.query(packet, mapping, port, at, end)) {
      return this.#touch(mapping, stack.now, this.#context.settings.timeouts.dns);
    }
    this.#touch(mapping, stack.now, this.#idleTime(mapping));
    this.#carry(packet, mapping, port, at, end);
  }

  /** The mapping of that id, as long as it lives. */
  find(id: number): UdpMapping | undefined {
    return this.#byId.get(id);
  }

  /** Forgets mappings that have been idle for their time. */
  advance(now: number): void {
    for (let due = this.#timers.takeDue(now); due !== undefined; due = this.#timers.takeDue(now)) {
      this.#context.counters.udpExpired++;
      this.#remove(due);
    }
  }

  /** The proxy or this host has moved: mappings stay, and get another association where they need one. */
  follow(change: PathChange): void {
    // What failed did so at the old place.
    this.#retryAt = 0;
    for (const association of [...this.#associations]) association.follow(change);
  }

  /** From now on everything is refused, and what there is ends. */
  stop(): void {
    this.#stopping = true;
    for (const mapping of [...this.#byId.values()]) this.#remove(mapping);
    for (const association of [...this.#associations]) association.close();
    this.#associations.clear();
  }

  // What associations say.

  datagram(association: Association, header: UdpHeader, end: number): void {
    const { arena, counters, settings } = this.#context;
    const { addressAt, addressLength, port, payloadAt } = header;
    if (header.addressType === AddressType.Name) {
      counters.udpMalformed++;
      return;
    }
    const mapping = association.receiver(arena.bytes, addressAt, addressLength, port);
    if (mapping === undefined || mapping.address.length !== addressLength) {
      counters.udpUnclaimed++;
      return;
    }
    mapping.received++;
    counters.proxyBytesDown += end - payloadAt;
    if (this.#readAt === 0) this.#readAt = this.#context.now();
    const { udpIdle, udpExchange } = settings.timeouts;
    this.#touch(mapping, this.#readAt, mapping.sent > 1 ? udpIdle : udpExchange);
    this.#run.add(mapping, header, end);
  }

  datagramsEnd(): void {
    this.#run.flush();
    this.#readAt = 0;
  }

  failed(association: Association, failure: Failed): void {
    this.#associations.delete(association);
    this.#retryAt = this.#context.now() + RETRY_AFTER;
    this.#verdict.associationFailed(failure);
  }

  lost(association: Association): void {
    this.#associations.delete(association);
  }

  #carry(packet: Packet, mapping: UdpMapping, port: number, at: number, end: number): void {
    const { counters, stack } = this.#context;
    if (!this.#verdict.mayRelay()) {
      counters.udpRefused++;
      return stack.refuse(packet, "port-unreachable");
    }
    const { bytes, destination, addressLength } = packet;
    const headerAt = at - udpHeaderLength(addressLength);
    const association = this.#associationFor(packet, mapping, port);
    if (association === undefined) {
      counters.udpNoAssociation++;
      return stack.refuse(
        packet,
        this.#context.now() < this.#retryAt ? "network-unreachable" : "prohibited",
      );
    }
    // While the association is being made nobody knows what its socket takes: IPv4's limit holds for all.
    if (association.state === "opening" && end - headerAt > LARGEST_PAYLOAD) {
      return this.#refuseTooBig(packet, mapping, port);
    }
    writeUdpHeader(bytes, headerAt, destination, 0, addressLength, port);
    const result = association.gather(headerAt, end);
    if (result === "sent") counters.proxyBytesUp += end - at;
    else if (result === "too-big") this.#refuseTooBig(packet, mapping, port);
  }

  /** The packet's own header may be gone by now: the error quotes one that says the same. */
  #refuseTooBig(packet: Packet, mapping: UdpMapping, port: number): void {
    const { counters, stack } = this.#context;
    const { addressLength, destination } = packet;
    counters.udpTooBig++;
    const mtu = LARGEST_PAYLOAD - udpHeaderLength(addressLength) + (addressLength === 4 ? 28 : 48);
    const to = destination.subarray(0, addressLength);
    stack.refuseDatagram(mapping.address, mapping.port, to, port, "too-big", mtu);
  }

  #associationFor(packet: Packet, mapping: UdpMapping, port: number): Association | undefined {
    const { destination, addressLength } = packet;
    const present = mapping.association;
    if (present !== undefined) {
      const settled = !present.shared || mapping.claims <= MOST_CLAIMS;
      if (settled && present.claim(mapping, destination, 0, addressLength, port)) return present;
      this.#leave(mapping);
    }
    if (this.#context.now() < this.#retryAt) return undefined;
    const full = this.#associations.size >= this.#context.settings.limits.udpAssociations;
    const share = full || (ASKED_ONLY.has(port) && present === undefined);
    const association = share ? this.#share(packet, mapping, port, full) : this.#open(false);
    if (association === undefined) return undefined;
    association.join(mapping);
    association.claim(mapping, destination, 0, addressLength, port);
    return association;
  }

  /** A shared association where nobody else has claimed that remote; a new one when there may be more. */
  #share(
    packet: Packet,
    mapping: UdpMapping,
    port: number,
    full: boolean,
  ): Association | undefined {
    const { destination, addressLength } = packet;
    for (const association of this.#associations) {
      if (!association.shared) continue;
      if (association.claim(mapping, destination, 0, addressLength, port)) return association;
    }
    return full ? undefined : this.#open(true);
  }

  #open(shared: boolean): Association {
    const association = new Association(this.#context, this, this.#hash, shared);
    this.#associations.add(association);
    association.open();
    return association;
  }

  #mappingOf(packet: Packet, sourcePort: number): UdpMapping {
    const { bytes, sourceAt, addressLength } = packet;
    const last = this.#last;
    if (last !== undefined && isFrom(last, bytes, sourceAt, addressLength, sourcePort)) return last;
    this.#table.setKey(bytes, sourceAt, -1, addressLength, sourcePort, 0);
    const known = this.#table.find();
    if (known !== undefined) {
      this.#recency.touch(known);
      return this.#last = known;
    }
    const { counters, settings } = this.#context;
    const oldest = this.#recency.oldest;
    if (this.#table.size >= settings.limits.udpMappings && oldest !== undefined) {
      counters.udpEvicted++;
      this.#remove(oldest);
      this.#table.setKey(bytes, sourceAt, -1, addressLength, sourcePort, 0);
    }
    counters.udpOpened++;
    const address = bytes.slice(sourceAt, sourceAt + addressLength);
    const mapping = new UdpMapping(++this.#lastId, address, sourcePort);
    this.#table.insert(mapping);
    this.#byId.set(mapping.id, mapping);
    this.#recency.add(mapping);
    return this.#last = mapping;
  }

  #idleTime(mapping: UdpMapping): number {
    const { udpIdle, udpExchange } = this.#context.settings.timeouts;
    return mapping.sent > 1 || mapping.received > 1 ? udpIdle : Math.min(udpIdle, udpExchange);
  }

  #touch(mapping: UdpMapping, now: number, idle: number): void {
    mapping.deadline = now + idle;
    this.#timers.update(mapping);
  }

  #remove(mapping: UdpMapping): void {
    if (this.#last === mapping) this.#last = undefined;
    this.#leave(mapping);
    this.#table.setKey(mapping.address, 0, -1, mapping.address.length, mapping.port, 0);
    this.#table.delete();
    this.#byId.delete(mapping.id);
    this.#recency.remove(mapping);
    this.#timers.remove(mapping);
  }

  #leave(mapping: UdpMapping): void {
    const association = mapping.association;
    if (association === undefined) return;
    association.leave(mapping);
    if (association.state === "closed") this.#associations.delete(association);
  }
}

function isFrom(
  { address, port }: UdpMapping,
  bytes: Uint8Array,
  at: number,
  addressLength: number,
  sourcePort: number,
): boolean {
  return port === sourcePort && address.length === addressLength &&
    sameBytes(address, 0, bytes, at, addressLength);
}
