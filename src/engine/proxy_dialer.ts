/**
 * Connections through the SOCKS5 proxy: connect, handshake, and what came of it.
 *
 * The handshake itself is a table of states (outbound/socks5); here are the socket, the limits in time,
 * the second try for a proxy that does not like pipelining, and the counters.
 */

import type { Settings } from "../config/settings.ts";
import { formatEndpoint } from "../addr/endpoint.ts";
import type { Counters } from "../counters.ts";
import type { Logger } from "../log.ts";
import { Socks5Capability } from "../outbound/socks5/capability.ts";
import { type LocalOutcome, localOutcome } from "../outbound/socks5/failure.ts";
import {
  type Socks5Command,
  type Socks5Credentials,
  Socks5Handshake,
  type Socks5Target,
} from "../outbound/socks5/handshake.ts";
import { UserError } from "../errors.ts";
import type { Alarm } from "./alarms.ts";
import { Cancellation } from "./cancellation.ts";
import type { Driver, ProxyConnection } from "./driver.ts";
import { ProxyLog } from "./proxy_log.ts";

/**
 * How long a proxy that has never answered a pipelined request may take from its choice of a method to its
 * reply. Some read the greeting and throw away what came with it: one message at a time they answer.
 */
const PIPELINED_REPLY = 1_500;

export interface Connected {
  readonly kind: "connected";
  readonly socket: ProxyConnection;
  readonly handshake: Socks5Handshake;
  /** What the far end sent right behind the reply, in the buffer that was lent. */
  readonly restAt: number;
  readonly restEnd: number;
}

export interface Failed {
  readonly kind: "failed";
  readonly outcome: LocalOutcome;
  readonly message: string;
}

/** Where a dialer's limits in time come from. */
export interface DialerClock {
  now(): number;
  after(milliseconds: number, callback: () => void): Alarm;
}

export class ProxyDialer {
  readonly capability = new Socks5Capability();
  readonly log: ProxyLog;
  /** Called when the proxy answers again after it could not be reached. */
  onRecovered: () => void = () => {};
  readonly #settings: Settings;
  readonly #host: string;
  readonly #port: number;
  readonly #credentials: Socks5Credentials | undefined;
  readonly counters: Counters;
  readonly clock: DialerClock;
  readonly #driver: Pick<Driver, "connect">;

  constructor(
    settings: Settings,
    counters: Counters,
    log: Logger,
    clock: DialerClock,
    driver: Pick<Driver, "connect">,
  ) {
    const proxy = settings.proxy;
    if (proxy === undefined) {
      throw new UserError("No proxy is given", {
        hint: "Name one: --socks 127.0.0.1:1080",
        exitCode: 2,
      });
    }
    this.#settings = settings;
    this.#host = proxy.host;
    this.#port = proxy.port;
    this.#credentials = proxy.user === undefined
      ? undefined
      : { user: proxy.user, password: proxy.password ?? "" };
    this.counters = counters;
    this.clock = clock;
    this.#driver = driver;
    this.log = new ProxyLog(log, formatEndpoint(proxy.host, proxy.port));
  }

  /** Asks the proxy for `target`; `buffer[at, end)` is lent for what it answers. */
  dial(
    command: Socks5Command,
    target: Socks5Target,
    buffer: Uint8Array,
    at: number,
    end: number,
  ): Dial {
    return new Dial(this, command, target, buffer, at, end);
  }

  connect(wish: Cancellation): Promise<ProxyConnection> {
    return this.#driver.connect(this.#host, this.#port, wish);
  }

  handshake(command: Socks5Command, target: Socks5Target, pipelined: boolean): Socks5Handshake {
    return new Socks5Handshake({
      command,
      target,
      credentials: this.#credentials,
      pipelined,
      method: this.capability.method,
    });
  }

  get connectTimeout(): number {
    return this.#settings.timeouts.proxyConnect;
  }

  get handshakeTimeout(): number {
    return this.#settings.timeouts.proxyHandshake;
  }

  reached(): void {
    if (!this.log.reached()) return;
    this.capability.changed();
    this.onRecovered();
  }

  unreachable(message: string): void {
    this.log.unreachable(message, this.clock.now());
  }

  failure(kind: string, message: string): void {
    this.log.failure(kind, message, this.clock.now());
  }
}

/** One connection being made. */
export class Dial {
  readonly #dialer: ProxyDialer;
  readonly #command: Socks5Command;
  readonly #target: Socks5Target;
  readonly #buffer: Uint8Array;
  readonly #at: number;
  readonly #end: number;
  // Of the attempt that is under way:
  #wish = new Cancellation();
  #socket: ProxyConnection | undefined;
  #timer: Alarm | undefined;
  #timedOut = false;
  #cancelled = false;

  constructor(
    dialer: ProxyDialer,
    command: Socks5Command,
    target: Socks5Target,
    buffer: Uint8Array,
    at: number,
    end: number,
  ) {
    this.#dialer = dialer;
    this.#command = command;
    this.#target = target;
    this.#buffer = buffer;
    this.#at = at;
    this.#end = end;
  }

  async run(): Promise<Connected | Failed> {
    const { capability, counters } = this.#dialer;
    const first = await this.#attempt(capability.tryPipelined);
    if (first !== "again") return first;
    counters.proxyPipelineSteppedBack++;
    const second = await this.#attempt(false);
    return second === "again" ? failed("reset", "the proxy does not answer") : second;
  }

  /** Nobody wants the connection any more. `run` still settles, with a failure. */
  cancel(): void {
    this.#cancelled = true;
    this.#wish.cancel();
    this.#closeSocket();
  }

  async #attempt(pipelined: boolean): Promise<Connected | Failed | "again"> {
    this.#wish = new Cancellation();
    this.#timedOut = false;
    const socket = await this.#connect();
    if (socket === undefined) {
      return failed("network-unreachable", "the proxy cannot be reached");
    }
    const handshake = this.#dialer.handshake(this.#command, this.#target, pipelined);
    const rest = await this.#shake(socket, handshake);
    this.#timer?.cancel();
    if (handshake.bound !== undefined && !this.#cancelled) {
      this.#dialer.capability.answered(handshake);
      return { kind: "connected", socket, handshake, ...rest };
    }
    this.#closeSocket();
    return this.#cancelled ? failed("reset", "cancelled") : this.#unsuccessful(handshake);
  }

  async #connect(): Promise<ProxyConnection | undefined> {
    const { counters, connectTimeout } = this.#dialer;
    counters.proxyConnects++;
    this.#limit(connectTimeout);
    try {
      const socket = await this.#dialer.connect(this.#wish);
      if (this.#cancelled) {
        socket.close();
        return undefined;
      }
      this.#socket = socket;
      this.#dialer.reached();
      return socket;
    } catch (error) {
      if (!this.#cancelled) this.#cannotConnect(error);
      return undefined;
    } finally {
      this.#timer?.cancel();
    }
  }

  #cannotConnect(error: unknown): void {
    const { counters } = this.#dialer;
    if (this.#timedOut) counters.proxyConnectTimeout++;
    else counters.proxyConnectFailed++;
    const why = this.#timedOut
      ? `no connection within ${this.#dialer.connectTimeout} ms`
      : `cannot connect: ${error instanceof Error ? error.message : String(error)}`;
    this.#dialer.unreachable(why);
  }

  /** Runs the handshake to its end, good or bad; where the payload behind the reply lies. */
  async #shake(
    socket: ProxyConnection,
    handshake: Socks5Handshake,
  ): Promise<{ restAt: number; restEnd: number }> {
    const buffer = this.#buffer;
    const view = buffer.subarray(this.#at, this.#end);
    const patient = this.#waitsForFarEnd(handshake);
    let waiting = false;
    this.#limit(this.#dialer.connectTimeout);
    try {
      await writeAll(socket, handshake.start());
      while (handshake.bound === undefined && handshake.failure === undefined) {
        const length = await socket.read(view);
        if (length === null) {
          handshake.closed();
          break;
        }
        const used = handshake.receive(buffer, this.#at, this.#at + length);
        const output = handshake.takeOutput();
        if (output !== undefined) await writeAll(socket, output);
        if (!waiting && handshake.chosenMethod !== undefined) {
          waiting = true;
          if (patient) this.#limit(this.#dialer.handshakeTimeout);
          else if (handshake.pipelined && this.#dialer.capability.pipelining !== "yes") {
            this.#limit(PIPELINED_REPLY);
          }
        }
        if (handshake.bound !== undefined) {
          return { restAt: this.#at + used, restEnd: this.#at + length };
        }
      }
    } catch {
      // Reset by the proxy, or closed by our own limit: the handshake's state says how far it came.
      if (!this.#timedOut) handshake.closed();
    }
    return { restAt: this.#at, restEnd: this.#at };
  }

  /**
   * Whether the proxy, once it has chosen a method, may take the time that the far end takes. An
   * association needs no far end; and one that has never answered a pipelined request may have lost it.
   */
  #waitsForFarEnd(handshake: Socks5Handshake): boolean {
    if (this.#command === "associate") return false;
    return !handshake.pipelined || this.#dialer.capability.pipelining === "yes";
  }

  /** Counts and reports a handshake that did not succeed; "again" when another try is worth it. */
  #unsuccessful(handshake: Socks5Handshake): Failed | "again" {
    const { capability, counters } = this.#dialer;
    const { failure } = handshake;
    if (failure?.kind === "reply") {
      capability.answered(handshake);
      counters.proxyRefused++;
      return failed(localOutcome(failure), failure.message);
    }
    const again = capability.unanswered(handshake);
    if (failure === undefined) {
      counters.proxyHandshakeTimeout++;
      if (again) return "again";
      this.#dialer.failure("timeout", "the handshake was not finished in time");
      return failed("timed-out", "the proxy did not answer in time");
    }
    if (failure.kind === "closed") counters.proxyClosedEarly++;
    else if (failure.kind === "protocol") counters.proxyProtocolError++;
    else counters.proxyAuthFailed++;
    if (again) return "again";
    // `ssh -D` says "unreachable" by closing: at the level of a flow that is ordinary.
    this.#dialer.failure(failure.kind, failure.message);
    return failed(localOutcome(failure), failure.message);
  }

  #limit(milliseconds: number): void {
    this.#timer?.cancel();
    this.#timer = this.#dialer.clock.after(milliseconds, () => {
      this.#timedOut = true;
      this.#wish.cancel();
      this.#closeSocket();
    });
  }

  #closeSocket(): void {
    this.#timer?.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}

/** Writes all of `bytes`: one `write` may take less. */
export async function writeAll(socket: ProxyConnection, bytes: Uint8Array): Promise<void> {
  let written = await socket.write(bytes);
  while (written < bytes.length) written += await socket.write(bytes.subarray(written));
}

function failed(outcome: LocalOutcome, message: string): Failed {
  return { kind: "failed", outcome, message };
}
