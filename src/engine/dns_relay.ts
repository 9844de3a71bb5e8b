/**
 * DNS queries over UDP: through one association for all of them where the proxy relays UDP, else over
 * TCP through the proxy to the same server (RFC 7766).
 *
 * Each query is a transaction with an ID of its own upstream, so one socket serves every local port.
 */

import { type Address, formatAddressAt, parseAddress } from "../addr/address.ts";
import { formatEndpoint, parseEndpoint } from "../addr/endpoint.ts";
import { SMALL_SLOT } from "../arena.ts";
import { DnsTcpPool } from "../dns/tcp_pool.ts";
import type { DnsTcpListener } from "../dns/tcp_pool.ts";
import type { Transaction } from "../dns/transaction.ts";
import { Transactions } from "../dns/transactions.ts";
import { SipHash } from "../stack/siphash.ts";
import type { Packet } from "../wire/packet.ts";
import { AddressType, type UdpHeader, udpHeaderLength, writeUdpHeader } from "../wire/socks5.ts";
import { Association, type AssociationEvents } from "./association.ts";
import type { EngineContext } from "./context.ts";
import { DnsStream } from "./dns_stream.ts";
import type { PathChange } from "./proxy_path.ts";
import type { UdpMapping } from "./udp_mapping.ts";
import type { UdpVerdict } from "./udp_verdict.ts";

/** The longest SOCKS5 header in front of a query, which must fit a small slot together. */
const LONGEST_HEADER = udpHeaderLength(16);

export class DnsRelay implements DnsTcpListener {
  readonly transactions: Transactions;
  readonly pool: DnsTcpPool;
  readonly #context: EngineContext;
  readonly #verdict: UdpVerdict;
  readonly #findMapping: (id: number) => UdpMapping | undefined;
  readonly #hash: SipHash;
  readonly #streams = new Map<number, DnsStream>();
  /** Asked over UDP and unanswered: to be asked over TCP when the association fails. */
  readonly #overUdp = new Set<Transaction>();
  #association: Association | undefined;
  /** When the association was used last: idle for a while it is closed, and opened anew when needed. */
  #usedAt = 0;

  constructor(
    context: EngineContext,
    verdict: UdpVerdict,
    secret: Uint8Array,
    findMapping: (id: number) => UdpMapping | undefined,
  ) {
    this.#context = context;
    this.#verdict = verdict;
    this.#hash = new SipHash(secret);
    this.#findMapping = findMapping;
    this.transactions = new Transactions(random16, {
      timeout: context.settings.timeouts.dns,
      maxQueryBytes: SMALL_SLOT - LONGEST_HEADER,
    });
    this.pool = new DnsTcpPool(this);
  }

  get associations(): number {
    return this.#association === undefined ? 0 : 1;
  }

  get nextDeadline(): number {
    const idle = this.#association === undefined ? Infinity : this.#idleAt;
    return Math.min(this.transactions.nextDeadline(), this.pool.nextDeadline(), idle);
  }

  /** Carries the query in `[at, end)`; false when it is none that could be tracked. */
  query(packet: Packet, mapping: UdpMapping, port: number, at: number, end: number): boolean {
    const now = this.#context.now();
    const server = formatEndpoint(
      formatAddressAt(packet.destination, 0, packet.addressLength),
      port,
    );
    const transaction = this.transactions.begin(packet.bytes, at, end, mapping.id, server, now);
    if (transaction === undefined) return false;
    if (this.#verdict.mayRelay()) this.#ask(transaction);
    else this.pool.ask(transaction, now);
    return true;
  }

  advance(now: number): void {
    this.transactions.expire(now, (transaction) => this.#overUdp.delete(transaction));
    this.pool.expire(now);
    if (this.#association !== undefined && now >= this.#idleAt) {
      this.#association.close();
      this.#association = undefined;
    }
  }

  get #idleAt(): number {
    return this.#usedAt + this.#context.settings.timeouts.dns;
  }

  /** The proxy or this host has moved: what can have no answer any more is asked again. */
  follow(change: PathChange): void {
    for (const stream of [...this.#streams.values()]) stream.follow(change);
    const before = this.#association;
    before?.follow(change);
    if (before === this.#association) return;
    if ([...this.#overUdp].some((transaction) => !transaction.done)) this.#associate();
  }

  stop(): void {
    this.#association?.close();
    this.#association = undefined;
    for (const transaction of this.#overUdp) this.failed(transaction);
    this.#overUdp.clear();
    this.pool.shutdown();
  }

  // What the pool of TCP connections wants.

  open(id: number, server: string): void {
    const endpoint = parseServer(server);
    if (endpoint === undefined) return this.pool.ended(id, this.#context.now());
    const stream = new DnsStream(this.#context, this.pool, id, () => this.#streams.delete(id));
    this.#streams.set(id, stream);
    stream.open(endpoint.address, endpoint.port);
  }

  write(id: number, bytes: Uint8Array): void {
    this.#streams.get(id)?.write(bytes);
  }

  close(id: number): void {
    this.#streams.get(id)?.close();
    this.#streams.delete(id);
  }

  answer(server: string, bytes: Uint8Array, at: number, end: number): void {
    const transaction = this.transactions.match(bytes, at, end, server, this.#context.now());
    if (transaction === undefined) return;
    const answerEnd = transaction.restore(bytes, at, end);
    this.#inSlot((slot, arena) => {
      arena.set(bytes.subarray(at, answerEnd), slot);
      this.#answer(transaction, slot, slot + answerEnd - at);
    });
  }

  failed(transaction: Transaction): void {
    // Quickly, so that the client need not wait for its own timeout.
    this.#inSlot((slot, arena) => {
      const end = this.transactions.refuse(transaction, arena, slot);
      if (end > slot) this.#answer(transaction, slot, end);
    });
  }

  readonly #associationEvents: AssociationEvents = {
    datagram: (_association, header, end) => this.#datagram(header, end),
    opened: (association) => this.#associated(association),
    failed: () => this.#associationFailed(),
    lost: () => this.#association = undefined,
  };

  #datagram(header: UdpHeader, end: number): void {
    const { arena } = this.#context;
    const { bytes } = arena;
    const { addressAt, addressLength, port, payloadAt } = header;
    if (header.addressType === AddressType.Name) return;
    const server = formatEndpoint(formatAddressAt(bytes, addressAt, addressLength), port);
    const now = this.#context.now();
    const transaction = this.transactions.match(bytes, payloadAt, end, server, now);
    if (transaction === undefined) return;
    this.#overUdp.delete(transaction);
    this.#answer(transaction, payloadAt, transaction.restore(bytes, payloadAt, end));
  }

  /** Whether the proxy relays no UDP or cannot be reached: over TCP the client soon has an answer. */
  #associationFailed(): void {
    this.#association = undefined;
    const left = [...this.#overUdp];
    this.#overUdp.clear();
    for (const transaction of left) this.pool.ask(transaction, this.#context.now());
  }

  /** Over UDP: at once, or with all others when the association stands. */
  #ask(transaction: Transaction): void {
    // Those that a full table pushed out are the oldest.
    for (const oldest of this.#overUdp) {
      if (!oldest.done) break;
      this.#overUdp.delete(oldest);
    }
    this.#overUdp.add(transaction);
    this.#usedAt = this.#context.now();
    if (this.#association === undefined) this.#associate();
    else if (this.#association.state === "open") this.#send(this.#association, transaction);
  }

  #associate(): void {
    this.#association = new Association(
      this.#context,
      this.#associationEvents,
      this.#hash,
      false,
    );
    this.#association.open();
  }

  #associated(association: Association): void {
    for (const transaction of this.#overUdp) {
      if (!transaction.done) this.#send(association, transaction);
    }
  }

  #send(association: Association, transaction: Transaction): void {
    const { arena } = this.#context;
    const server = parseServer(transaction.server);
    const slot = arena.takeSmall();
    if (server === undefined || slot < 0) return;
    const { address, port } = server;
    const at = slot + udpHeaderLength(address.length);
    arena.bytes.set(transaction.query, at);
    writeUdpHeader(arena.bytes, slot, address, 0, address.length, port);
    association.send(slot, at + transaction.query.length);
    arena.release(slot);
  }

  /** Sends the client its answer, as from the server that it asked. */
  #answer(transaction: Transaction, at: number, end: number): void {
    const mapping = this.#findMapping(transaction.client);
    const from = parseServer(transaction.server);
    if (mapping === undefined || from === undefined) return;
    mapping.received++;
    const { address, port } = mapping;
    const { stack } = this.#context;
    stack.sendUdp(from.address, 0, from.port, address, 0, port, address.length, at, end);
  }

  #inSlot(use: (slot: number, bytes: Uint8Array) => void): void {
    const { arena, counters } = this.#context;
    const slot = arena.takeLarge();
    if (slot < 0) {
      counters.dropNoMemory++;
      return;
    }
    use(slot, arena.bytes);
    arena.release(slot);
  }
}

/** The server of a transaction, as bytes. */
function parseServer(server: string): { address: Address; port: number } | undefined {
  const endpoint = parseEndpoint(server);
  const address = endpoint === undefined ? undefined : parseAddress(endpoint.host);
  return endpoint === undefined || address === undefined
    ? undefined
    : { address, port: endpoint.port };
}

function random16(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0]!;
}
