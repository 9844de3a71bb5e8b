/**
 * One client of the SOCKS5 server, from its greeting to its last byte.
 *
 *     handshake ──CONNECT──> connecting ──> relay
 *          ├─────ASSOCIATE──────────────> associated
 *          └──any refusal──────────────> lingering
 *
 * Every phase has a limit, counted from the last sign of life and enforced by the server's sweep; every
 * way out goes through `#release`, so no connection outlives its session.
 */

import { Command, Reply } from "../wire/socks5.ts";
import type { BufferPool } from "./buffer_pool.ts";
import type { Socks5ServerCounters } from "./counters.ts";
import type { CredentialCheck } from "./credentials.ts";
import type { DestinationMap } from "./destination_map.ts";
import { type Destination, readRequest, type Refusal, reply } from "./handshake.ts";
import { LINGER, type Socks5ServerLimits } from "./limits.ts";
import { MessageReader } from "./message_reader.ts";
import type { NameCache } from "./name_cache.ts";
import { replyForError } from "./reply_code.ts";
import { socketAddress } from "./socket_address.ts";
import { relayTcp, type StartedRead, startRead, writeAll } from "./tcp_relay.ts";
import type { UdpRelay } from "./udp_relay.ts";
import type { UdpRelays } from "./udp_relays.ts";

export type Phase = "handshake" | "connecting" | "relay" | "associated" | "lingering" | "ended";

/** What all sessions of a server share. */
export interface SessionContext {
  readonly credentials: CredentialCheck | undefined;
  readonly udp: boolean;
  readonly limits: Readonly<Socks5ServerLimits>;
  readonly counters: Socks5ServerCounters;
  readonly pool: BufferPool;
  readonly names: NameCache;
  readonly destinations: DestinationMap | undefined;
  readonly udpRelays: UdpRelays;
  /** The time of the last sweep: fine enough for limits, and free to ask for. */
  readonly now: () => number;
  /** Makes the kernel send a reset; the connection is closed afterwards. */
  readonly reset: ((connection: Deno.TcpConn) => void) | undefined;
  /** Associations that are open now. */
  associations: number;
}

export class Session {
  readonly #context: SessionContext;
  readonly #client: Deno.TcpConn;
  readonly #reader: MessageReader;
  #phase: Phase = "handshake";
  #upstream: Deno.TcpConn | undefined = undefined;
  #connecting: AbortController | undefined = undefined;
  #udpRelay: UdpRelay | undefined = undefined;
  #lastActive: number;
  #limit: number;
  #released = false;

  constructor(context: SessionContext, client: Deno.TcpConn) {
    this.#context = context;
    this.#client = client;
    this.#reader = new MessageReader(client);
    this.#lastActive = context.now();
    this.#limit = context.limits.handshake;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** When it showed its last sign of life, on the server's clock. */
  get lastActive(): number {
    return this.#lastActive;
  }

  /** Resolves when nothing of the session is left. Never rejects. */
  async run(): Promise<void> {
    try {
      tune(this.#client);
      await this.#serve();
    } catch {
      // The client's connection failed: there is nobody to tell.
      if (this.#phase === "handshake" && !this.#released) {
        this.#context.counters.handshakeFailures++;
      }
    } finally {
      this.#release(false);
      await this.#udpRelay?.close();
    }
  }

  /** Ends it if its phase has lasted too long without a sign of life. */
  expire(now: number): void {
    if (now - this.#lastActive < this.#limit) return;
    const { counters } = this.#context;
    if (this.#phase === "connecting") {
      counters.connectTimeouts++;
      this.#connecting?.abort(new Deno.errors.TimedOut());
      return;
    }
    if (this.#phase === "handshake") counters.handshakeTimeouts++;
    if (this.#phase === "relay" || this.#phase === "associated") counters.idleTimeouts++;
    this.#release(false);
  }

  /** Ends it now, in order or with a reset. `run` resolves soon after. */
  end(reset: boolean): void {
    this.#release(reset);
  }

  // ---- handshake ----

  async #serve(): Promise<void> {
    const { credentials, destinations } = this.#context;
    const request = await readRequest({
      reader: this.#reader,
      tell: (bytes) => this.#tell(bytes),
      credentials,
      destinations,
    });
    if (request.kind === "refusal") return await this.#turnAway(request);
    switch (request.command) {
      case Command.Connect:
        return await this.#connect(request.destination);
      case Command.Associate:
        return await this.#associate(request.port);
      default:
        return await this.#refuse(reply(Reply.CommandNotSupported));
    }
  }

  async #turnAway({ reason, answer }: Refusal): Promise<void> {
    if (this.#released) return;
    const { counters } = this.#context;
    if (reason === "auth") counters.authFailures++;
    else counters.handshakeFailures++;
    if (answer.length > 0) await this.#refuse(answer);
  }

  // ---- CONNECT ----

  async #connect(to: Destination | undefined): Promise<void> {
    const { counters, pool } = this.#context;
    counters.connects++;
    if (to === undefined) {
      counters.connectFailures++;
      return await this.#refuse(reply(Reply.HostUnreachable));
    }
    this.#enter("connecting", this.#context.limits.connect);
    // The client may send at once, and its reset tells that nobody waits for the connection any more.
    const started = startRead(this.#client, pool);
    const upstream = await this.#dial(to, started);
    if (typeof upstream === "number") {
      counters.connectFailures++;
      return await this.#refuse(reply(upstream), started);
    }
    await this.#relay(upstream, started);
  }

  /** The connection, or the reply code that says why there is none. */
  async #dial(to: Destination, started: StartedRead): Promise<Deno.TcpConn | number> {
    // Deno refuses to try port 0; nobody listens there.
    if (to.port === 0) return Reply.ConnectionRefused;
    const abort = new AbortController();
    this.#connecting = abort;
    started.result.catch((reason) => abort.abort(reason));
    try {
      const upstream = await Deno.connect({
        hostname: to.hostname,
        port: to.port,
        signal: abort.signal,
        autoSelectFamily: to.named,
      });
      this.#upstream = upstream;
      tune(upstream);
      return upstream;
    } catch (error) {
      return error instanceof Deno.errors.TimedOut ? Reply.TtlExpired : replyForError(error);
    } finally {
      this.#connecting = undefined;
    }
  }

  async #relay(upstream: Deno.TcpConn, started: StartedRead): Promise<void> {
    // Ended while it connected: `#release` did not see this connection.
    if (this.#released) return closeQuietly(upstream);
    this.#enter("relay", this.#context.limits.idle);
    const { hostname, port } = upstream.localAddr;
    await this.#tell(reply(Reply.Succeeded, socketAddress(hostname), port));
    if (!await this.#passOnEarly(upstream)) return this.broken();
    await relayTcp(this.#client, upstream, started, this.#context.pool, this);
  }

  /** What the client sent along with its request; false when the destination has gone already. */
  async #passOnEarly(upstream: Deno.TcpConn): Promise<boolean> {
    const early = this.#reader.rest();
    try {
      await writeAll(upstream, early, early.length);
    } catch {
      return false;
    }
    this.#context.counters.bytesUp += early.length;
    return true;
  }

  /** See `RelayObserver`. */
  movedUp(bytes: number): void {
    this.#context.counters.bytesUp += bytes;
    this.#touch();
  }

  movedDown(bytes: number): void {
    this.#context.counters.bytesDown += bytes;
    this.#touch();
  }

  halfClosed(): void {
    this.#enter("relay", this.#context.limits.halfClosed);
  }

  broken(): void {
    if (this.#released) return;
    this.#context.counters.resets++;
    this.#release(true);
  }

  // ---- UDP ASSOCIATE ----

  async #associate(clientPort: number): Promise<void> {
    const context = this.#context;
    if (!context.udp) return await this.#refuse(reply(Reply.CommandNotSupported));
    const relay = this.#openRelay(clientPort);
    if (typeof relay === "number") {
      context.counters.associationFailures++;
      return await this.#refuse(reply(relay));
    }
    this.#udpRelay = relay;
    context.counters.associations++;
    context.associations++;
    try {
      this.#enter("associated", context.limits.idle);
      await this.#tell(reply(Reply.Succeeded, relay.address, relay.port));
      await this.#untilClosed();
    } finally {
      context.associations--;
    }
  }

  #openRelay(clientPort: number): UdpRelay | number {
    const { associations, limits, names, counters, destinations, udpRelays } = this.#context;
    if (associations >= limits.associations) return Reply.GeneralFailure;
    try {
      return udpRelays.open({
        localHost: this.#client.localAddr.hostname,
        clientHost: this.#client.remoteAddr.hostname,
        clientPort,
        names,
        destinations,
        counters,
        touch: () => this.#touch(),
      });
    } catch (error) {
      return replyForError(error);
    }
  }

  // ---- shared ----

  #enter(phase: Phase, limit: number): void {
    if (this.#released) return;
    this.#phase = phase;
    this.#limit = limit;
    this.#touch();
  }

  #touch(): void {
    this.#lastActive = this.#context.now();
  }

  async #tell(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#client, bytes, bytes.length);
  }

  /**
   * Tells why, and waits for the client to close: closing with bytes of its unread would make the kernel
   * send a reset, which destroys the answer before the client has read it.
   */
  async #refuse(bytes: Uint8Array, started?: StartedRead): Promise<void> {
    this.#enter("lingering", LINGER);
    await this.#tell(bytes);
    await this.#client.closeWrite();
    if (started !== undefined && await started.result === null) return;
    await this.#untilClosed();
  }

  /** Reads and forgets. */
  async #untilClosed(): Promise<void> {
    const scratch = this.#reader.bytes;
    while (await this.#client.read(scratch) !== null);
  }

  #reset(connection: Deno.TcpConn): void {
    try {
      this.#context.reset?.(connection);
    } catch {
      // Then it ends in order: closing it, and the other one, matters more.
    }
  }

  #release(reset: boolean): void {
    if (this.#released) return;
    this.#released = true;
    this.#phase = "ended";
    this.#connecting?.abort(new Deno.errors.Interrupted());
    for (const connection of [this.#client, this.#upstream]) {
      if (connection === undefined) continue;
      if (reset) this.#reset(connection);
      closeQuietly(connection);
    }
    this.#udpRelay?.close();
  }
}

/** Small messages go out at once, and a peer that vanished is found out. Fails on a dead connection. */
function tune(connection: Deno.TcpConn): void {
  connection.setNoDelay(true);
  connection.setKeepAlive(true);
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed already by a failure underneath.
  }
}
