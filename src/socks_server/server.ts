/**
 * A SOCKS5 server (RFC 1928, 1929): CONNECT and UDP ASSOCIATE, for IPv4, IPv6 and names.
 *
 * It accepts, keeps the bounds of `limits.ts`, and sweeps once in a while for what has lasted too long;
 * each connection is a `Session`. One timer serves all of them, and none runs while there are none.
 */

import { BufferPool } from "./buffer_pool.ts";
import { Socks5ServerCounters } from "./counters.ts";
import { CredentialCheck, type Socks5ServerCredentials } from "./credentials.ts";
import type { DestinationMap } from "./destination_map.ts";
import { DEFAULT_SERVER_LIMITS, QUIET_AFTER, type Socks5ServerLimits } from "./limits.ts";
import { type Lookup, NameCache } from "./name_cache.ts";
import { Session, type SessionContext } from "./session.ts";
import { UdpRelays } from "./udp_relays.ts";

export interface Socks5ServerOptions {
  /** Port 0 lets the system choose. */
  readonly listen: { readonly hostname: string; readonly port: number };
  /** Without them, everybody who can connect may use the server. */
  readonly credentials?: Socks5ServerCredentials | undefined;
  readonly udp: boolean;
  /** Many datagrams per system call; wherever that can be done unless said otherwise. */
  readonly batchDatagrams?: boolean;
  readonly limits?: Partial<Socks5ServerLimits>;
  /** Makes the kernel send a reset on a connection, which is closed right afterwards. */
  readonly reset?: ((connection: Deno.TcpConn) => void) | undefined;
  /** How names in datagrams are looked up; the system's way unless said otherwise. */
  readonly lookup?: Lookup;
  /** Other addresses than the real ones for clients; none unless said otherwise. */
  readonly destinations?: DestinationMap;
  readonly log?: ((message: string) => void) | undefined;
}

/** Deno's own listen backlog is 511; bursts of short connections overflow it. */
const BACKLOG = 4096;
const ACCEPT_BACKOFF = 100;
const SWEEP = 1_000;
const SWEEP_MIN = 10;

type Timer = ReturnType<typeof setTimeout>;

export class Socks5Server {
  readonly counters = new Socks5ServerCounters();
  readonly #options: Socks5ServerOptions;
  readonly #context: SessionContext;
  readonly #sessions = new Set<Session>();
  readonly #sweepEvery: number;
  #now = performance.now();
  #listener: Deno.TcpListener | undefined = undefined;
  #accepting: Promise<void> = Promise.resolve();
  #sweeper: Timer | undefined = undefined;
  #backoff: { timer: Timer; done: () => void } | undefined = undefined;
  #closing = false;
  /** Called when the last session is gone. */
  #drained: () => void = () => {};

  constructor(options: Socks5ServerOptions) {
    this.#options = options;
    const limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits };
    const shortest = Math.min(limits.handshake, limits.connect, limits.idle, limits.halfClosed);
    this.#sweepEvery = Math.max(SWEEP_MIN, Math.min(SWEEP, shortest / 4));
    const now = () => this.#now;
    this.#context = {
      credentials: options.credentials && new CredentialCheck(options.credentials),
      udp: options.udp,
      limits,
      counters: this.counters,
      pool: new BufferPool(limits.bufferBytes),
      names: new NameCache(now, options.lookup),
      destinations: options.destinations,
      udpRelays: new UdpRelays(options.batchDatagrams),
      now,
      reset: options.reset,
      associations: 0,
    };
  }

  /** Client connections that are open now. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Associations that are open now. */
  get associations(): number {
    return this.#context.associations;
  }

  /** Listens, and gives the address. Throws the system's error when that is not possible. */
  start(): Deno.NetAddr {
    if (this.#listener !== undefined) throw new Error("Cannot start a server twice");
    this.#listener = Deno.listen({ ...this.#options.listen, tcpBacklog: BACKLOG });
    this.#accepting = this.#accept(this.#listener);
    return this.#listener.addr;
  }

  /**
   * Stops: no new connections; handshakes, associations and quiet relays end now, the others when they are
   * done, and with a reset after `graceMs`. May be called again with a shorter grace.
   */
  async close(graceMs: number): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#listener?.close();
      this.#endBackoff();
    }
    this.#now = performance.now();
    for (const session of this.#sessions) if (this.#isQuiet(session)) session.end(false);
    const timer = setTimeout(() => this.#resetAll(), Math.max(0, graceMs));
    await this.#whenDrained();
    clearTimeout(timer);
    await this.#accepting;
    this.#stopSweeping();
    await this.#context.udpRelays.close();
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    while (!this.#closing) {
      try {
        this.#admit(await listener.accept());
      } catch (error) {
        if (this.#closing) return;
        // Without descriptors `accept` fails at once, again and again: let some be given back first.
        this.counters.acceptFailures++;
        this.#options.log?.(`cannot accept a connection: ${messageOf(error)}`);
        await this.#pause();
      }
    }
  }

  #admit(client: Deno.TcpConn): void {
    this.counters.accepted++;
    if (this.#sessions.size >= this.#context.limits.connections && !this.#evict()) {
      this.counters.refusedFull++;
      client.close();
      return;
    }
    if (this.#sessions.size === 0) this.#startSweeping();
    const session = new Session(this.#context, client);
    this.#sessions.add(session);
    session.run().finally(() => this.#remove(session));
  }

  #remove(session: Session): void {
    this.#sessions.delete(session);
    if (this.#sessions.size > 0) return;
    this.#stopSweeping();
    this.#drained();
  }

  /** Makes room by ending what has been idle longest; false when all are in use. */
  #evict(): boolean {
    let oldest: Session | undefined;
    for (const session of this.#sessions) {
      if (session.phase !== "relay" && session.phase !== "associated") continue;
      if (oldest === undefined || session.lastActive < oldest.lastActive) oldest = session;
    }
    const { evictableAfter } = this.#context.limits;
    if (oldest === undefined || this.#now - oldest.lastActive < evictableAfter) return false;
    this.counters.evicted++;
    oldest.end(true);
    return true;
  }

  #isQuiet(session: Session): boolean {
    if (session.phase === "connecting") return false;
    return session.phase !== "relay" || this.#now - session.lastActive >= QUIET_AFTER;
  }

  #resetAll(): void {
    for (const session of this.#sessions) session.end(true);
  }

  async #whenDrained(): Promise<void> {
    if (this.#sessions.size === 0) return;
    await new Promise<void>((resolve) => {
      const before = this.#drained;
      this.#drained = () => {
        before();
        resolve();
      };
    });
  }

  #startSweeping(): void {
    this.#now = performance.now();
    this.#sweeper ??= setInterval(() => this.#sweep(), this.#sweepEvery);
  }

  #stopSweeping(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    this.#context.pool.trim();
  }

  #sweep(): void {
    this.#now = performance.now();
    this.#context.pool.trim();
    for (const session of this.#sessions) {
      session.expire(this.#now);
      if (this.#closing && this.#isQuiet(session)) session.end(false);
    }
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#endBackoff(), ACCEPT_BACKOFF);
      this.#backoff = { timer, done: resolve };
    });
  }

  #endBackoff(): void {
    if (this.#backoff === undefined) return;
    clearTimeout(this.#backoff.timer);
    this.#backoff.done();
    this.#backoff = undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
