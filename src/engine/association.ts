/**
 * One SOCKS5 UDP association: a control connection that keeps it alive, and a socket to the relay.
 *
 *     opening ─reply→ open ─control connection ends, relay unreachable→ closed
 *
 * Datagrams that come while it opens wait, up to a bound. An association may be shared by several local
 * ports as long as replies stay unambiguous: whoever sends to a remote endpoint first claims it there.
 */

import { formatAddress, parseAddress } from "../addr/address.ts";
import { LARGE_SLOT, SMALL_SLOT } from "../arena.ts";
import { Errno } from "../../ffi/libc.ts";
import { UdpReceiver } from "../../ffi/udp_receiver_linux.ts";
import type { SendFailures } from "../../ffi/udp_sender_linux.ts";
import { UdpSocket } from "../../ffi/udp_socket_linux.ts";
import type { Socks5Handshake } from "../outbound/socks5/handshake.ts";
import { relayAddress } from "../outbound/socks5/relay_address.ts";
import { FlowTable } from "../stack/flow_table.ts";
import type { SipHash } from "../stack/siphash.ts";
import { newUdpHeader, readUdpHeader, type UdpHeader } from "../wire/socks5.ts";
import { type EngineContext, type Flushable, RESERVED_SLOTS } from "./context.ts";
import type { Dial, DialOwner, Failed } from "./dial.ts";
import type { ProxySocket, Readable, SocketListener } from "./driver.ts";
import type { PathChange } from "./proxy_path.ts";
import type { UdpMapping } from "./udp_mapping.ts";
import { UdpOutbox } from "./udp_outbox.ts";

export type SendResult = "sent" | "waiting" | "too-big" | "dropped";

/** After so many datagrams of one socket others want their turn. */
const BATCH = 64;
const ANY_IPV4 = new Uint8Array(4);

export interface AssociationEvents {
  /** A datagram from a remote endpoint: addresses and payload as `header` says. */
  datagram(association: Association, header: UdpHeader, end: number): void;
  /** That was all for now: the datagrams' bytes are about to go. */
  datagramsEnd?(): void;
  /** Datagrams go through at once from now on. */
  opened?(association: Association): void;
  /** It could not be opened. */
  failed(association: Association, failure: Failed): void;
  /** It was open, and is no more. */
  lost(association: Association): void;
}

export class Association implements DialOwner, SocketListener, Readable, Flushable, SendFailures {
  state: "opening" | "open" | "closed" = "opening";
  readonly shared: boolean;
  readonly members = new Set<UdpMapping>();
  readonly #context: EngineContext;
  readonly #events: AssociationEvents;
  readonly #claims: FlowTable<UdpMapping>;
  /** Whole datagrams with their SOCKS5 header, in slots of their own: pairs of offsets. */
  readonly #waiting: number[] = [];
  readonly #header = newUdpHeader();
  #control: ProxySocket | undefined;
  #dial: Dial | undefined;
  #socket: UdpSocket | undefined;
  #outbox: UdpOutbox | undefined;
  /** Its only member, as long as there is just one. */
  #only: UdpMapping | undefined;
  /** Why a datagram that went by itself did not go. */
  #sendError = 0;

  constructor(context: EngineContext, events: AssociationEvents, hash: SipHash, shared: boolean) {
    this.#context = context;
    this.#events = events;
    this.#claims = new FlowTable(hash);
    this.shared = shared;
  }

  /** Our address on the way to the proxy; known while it is open. */
  get localHost(): string | undefined {
    return this.#control?.localAddr.hostname;
  }

  /** Makes it. Datagrams may be sent at once, and wait. */
  open(): void {
    const target = { kind: "ip", address: ANY_IPV4, port: 0 } as const;
    this.#dial = this.#context.dialer.dial("associate", target, this);
  }

  /** A mapping sends through it from now on. */
  join(mapping: UdpMapping): void {
    this.members.add(mapping);
    mapping.association = this;
    this.#only = this.members.size === 1 ? mapping : undefined;
  }

  /** True when `mapping` alone may talk to that remote endpoint here. */
  claim(mapping: UdpMapping, bytes: Uint8Array, at: number, length: number, port: number): boolean {
    if (!this.shared) return true;
    this.#claims.setKey(bytes, at, -1, length, port, 0);
    const holder = this.#claims.find();
    if (holder !== undefined) return holder === mapping;
    this.#claims.insert(mapping);
    mapping.claims++;
    return true;
  }

  /** Whom a datagram from that remote endpoint is for. */
  receiver(bytes: Uint8Array, at: number, length: number, port: number): UdpMapping | undefined {
    // Alone it hears everybody: endpoint-independent filtering (RFC 4787).
    if (this.#only !== undefined) return this.#only;
    this.#claims.setKey(bytes, at, -1, length, port, 0);
    return this.#claims.find();
  }

  /**
   * Sends `[at, end)`, which begins with the SOCKS5 header, with others of the same batch. The bytes are the
   * caller's afterwards.
   */
  gather(at: number, end: number): SendResult {
    const outbox = this.#outbox;
    if (outbox === undefined) return this.send(at, end);
    const first = outbox.isEmpty;
    if (!outbox.push(at, end)) return this.send(at, end);
    if (first) this.#context.flushLater(this);
    return "sent";
  }

  /** As `gather`, but at once. */
  send(at: number, end: number): SendResult {
    if (this.state === "opening") return this.#wait(at, end);
    const error = this.#socket === undefined ? Errno.EBADF : this.#sendNow(this.#socket, at, end);
    if (error === 0) return "sent";
    if (error === Errno.EMSGSIZE) return "too-big";
    this.#context.counters.udpSendDropped++;
    // Nobody listens at the relay's address any more. EAGAIN and ENOBUFS are ordinary loss.
    if (error === Errno.ECONNREFUSED) this.#lose();
    return "dropped";
  }

  flush(): void {
    this.#outbox?.flush();
    if (this.#outbox?.refused) this.#lose();
  }

  sendFailed(_at: number, _end: number, error: number): void {
    this.#sendError = error;
  }

  read(at: number): number {
    const { receiver } = this.#context.io.udp;
    const places = this.#takePlaces(receiver, at);
    let work = 0;
    while (work < BATCH && this.#socket !== undefined) {
      const count = receiver.receive(this.#socket.fd, places, LARGE_SLOT);
      if (count === -Errno.ECONNREFUSED) this.#lose();
      for (let i = 0; i < count; i++) {
        work += this.#readMessage(receiver.at(i), receiver.end(i), receiver.segment(i));
      }
      this.#events.datagramsEnd?.();
      if (count < places) break;
    }
    for (let i = 1; i < places; i++) this.#context.arena.release(receiver.at(i));
    return work;
  }

  /** A mapping uses it no longer; with the last one it is closed. */
  leave(mapping: UdpMapping): void {
    if (!this.members.delete(mapping)) return;
    mapping.association = undefined;
    if (this.members.size === 0) return this.close();
    if (this.members.size === 1) [this.#only] = this.members;
    if (mapping.claims === 0) return;
    // Rare and small: a shared association has few members.
    this.#claims.deleteWhere((holder) => holder === mapping);
    mapping.claims = 0;
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.#dial?.cancel();
    if (this.#socket !== undefined) {
      this.#context.driver.unwatch(this.#socket.fd);
      this.#socket.close();
      this.#socket = undefined;
      this.#outbox?.clear();
      this.#outbox = undefined;
    }
    for (let i = 0; i < this.#waiting.length; i += 2) {
      this.#context.arena.release(this.#waiting[i]!);
    }
    this.#waiting.length = 0;
    this.#control?.close();
    this.#control = undefined;
    for (const member of this.members) {
      member.association = undefined;
      member.claims = 0;
    }
    this.members.clear();
    this.#only = undefined;
  }

  /** The proxy or this host has moved: where no datagram goes through any more, this is over. */
  follow(change: PathChange): void {
    const control = this.#control;
    if (control === undefined) return this.#dial?.follow(change);
    const gone = change.leaves(control.remoteAddr.hostname) ||
      change.cutsOff(control.localAddr.hostname) ||
      change.cutsOff(formatAddress(this.#socket!.address));
    if (!gone) return;
    control.reset();
    this.#lose();
  }

  // What becomes of the control connection, as long as which it lives (RFC 1928, 7).

  dialled(control: ProxySocket, handshake: Socks5Handshake, restAt: number, restEnd: number): void {
    if (restAt < restEnd) this.#context.arena.release(restAt);
    this.#dial = undefined;
    this.#control = control;
    control.listener = this;
    const failure = this.#connectRelay(control, handshake.bound!);
    if (failure !== undefined) return this.undialled(failure);
    this.state = "open";
    this.#context.counters.associationsOpened++;
    this.#sendWaiting();
    if (this.#control !== undefined) control.receive(SMALL_SLOT, false);
    if (this.state === "open") this.#events.opened?.(this);
  }

  undialled(failure: Failed): void {
    this.#context.counters.associationsFailed++;
    this.close();
    this.#events.failed(this, failure);
  }

  arrived(at: number): void {
    this.#context.arena.release(at);
    this.#control?.receive(SMALL_SLOT, false);
  }

  ended(): void {
    this.#lose();
  }

  sent(): void {}

  broken(): void {
    this.#lose();
  }

  /** Large slots to receive in, `at` the first of them; how many there are. */
  #takePlaces(receiver: UdpReceiver, at: number): number {
    const { arena } = this.#context;
    receiver.place(0, at);
    let count = 1;
    while (count < UdpReceiver.size && arena.freeLarge > RESERVED_SLOTS) {
      receiver.place(count++, arena.takeLarge());
    }
    return count;
  }

  /** Datagrams of `segment` bytes that came as one message; how many. */
  #readMessage(at: number, end: number, segment: number): number {
    let count = 0;
    do {
      const next = Math.min(at + segment, end);
      this.#readDatagram(at, next);
      count++;
      at = next;
    } while (at < end);
    return count;
  }

  #readDatagram(at: number, end: number): void {
    const { arena, counters } = this.#context;
    if (!readUdpHeader(arena.bytes, at, end, this.#header)) counters.udpMalformed++;
    else if (this.#header.frag !== 0) counters.udpFragmentDropped++;
    else this.#events.datagram(this, this.#header, end);
  }

  /** 0, or the number of the error. */
  #sendNow(socket: UdpSocket, at: number, end: number): number {
    this.#outbox?.flush();
    const { sender } = this.#context.io.udp;
    this.#sendError = 0;
    sender.begin(socket, this);
    sender.add(at, end);
    sender.send();
    return this.#sendError;
  }

  #connectRelay(
    control: ProxySocket,
    bound: Parameters<typeof relayAddress>[0],
  ): Failed | undefined {
    const proxy = parseAddress(control.remoteAddr.hostname);
    if (proxy === undefined) {
      return {
        outcome: "network-unreachable",
        message: "the proxy has no IP address",
      };
    }
    try {
      const socket = UdpSocket.connected(
        relayAddress(bound, proxy),
        bound.port,
        this.#context.mark,
      );
      this.#socket = socket;
      this.#outbox = new UdpOutbox(this.#context, socket);
      this.#context.driver.watch(socket.fd, this);
      return undefined;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return {
        outcome: "network-unreachable",
        message: `no way to the relay: ${message}`,
      };
    }
  }

  #lose(): void {
    this.#context.counters.associationsLost++;
    this.#context.dialer.log.detail("a UDP association has ended");
    this.close();
    this.#events.lost(this);
  }

  #wait(at: number, end: number): SendResult {
    const { arena, counters, settings } = this.#context;
    const full = this.#waiting.length >= 2 * settings.limits.waitingPackets;
    const slot = full ? -1 : end - at <= SMALL_SLOT ? arena.takeSmall() : arena.takeLarge();
    if (slot < 0) {
      counters.udpWaitingDropped++;
      return "dropped";
    }
    arena.bytes.copyWithin(slot, at, end);
    this.#waiting.push(slot, slot + end - at);
    return "waiting";
  }

  #sendWaiting(): void {
    const waiting = this.#waiting.splice(0);
    for (let i = 0; i < waiting.length; i += 2) {
      this.send(waiting[i]!, waiting[i + 1]!);
      this.#context.arena.release(waiting[i]!);
    }
  }
}
