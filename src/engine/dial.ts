/**
 * One connection through the SOCKS5 proxy being made: connect, handshake, and what came of it.
 *
 *     start ─connected→ greeting sent ─replies→ dialled
 *       ├─ no connection, refusal, silence ────→ undialled
 *       ├─ no way there: once more when there is one, for a while
 *       ├─ the proxy or this host has moved: once more
 *       └─ a proxy that does not like pipelining: once more, one message at a time
 *
 * The handshake itself is a table of states (outbound/socks5); here are the socket, the limits in time,
 * the second try and the counters.
 */

import { SMALL_SLOT } from "../arena.ts";
import { type LocalOutcome, localOutcome } from "../outbound/socks5/failure.ts";
import type { Socks5Command, Socks5Handshake, Socks5Target } from "../outbound/socks5/handshake.ts";
import type { Alarm } from "./alarms.ts";
import type { Connecting, ConnectListener, ProxySocket } from "./driver.ts";
import { MessageWriter } from "./message_writer.ts";
import type { ProxyDialer } from "./proxy_dialer.ts";
import type { PathChange } from "./proxy_path.ts";
import type { Waiting } from "./way_to_proxy.ts";

/**
 * How long a proxy that has never answered a pipelined request may take from its choice of a method to its
 * reply. Some read the greeting and throw away what came with it: one message at a time they answer.
 */
const PIPELINED_REPLY = 1_500;
/**
 * How long a connection may wait, in all, for a way to the proxy. From one network to the next takes a second
 * or two, in which a program that connects sees no more than a slow answer; who has none for longer is to
 * hear so while somebody still looks.
 */
const LONGEST_WAIT = 3_000;

export interface Failed {
  readonly outcome: LocalOutcome;
  readonly message: string;
}

/** Who wants the connection. One of the two is called, once, and never from within `dial`. */
export interface DialOwner {
  /**
   * The socket is the owner's, who sets its listener. What the far end sent right behind the reply lies in
   * `[at, end)` of a slot whose one reference is the owner's; there is no slot when that is nothing.
   */
  dialled(socket: ProxySocket, handshake: Socks5Handshake, at: number, end: number): void;
  undialled(failure: Failed): void;
}

export class Dial implements ConnectListener, Waiting {
  readonly #dialer: ProxyDialer;
  readonly #command: Socks5Command;
  readonly #target: Socks5Target;
  readonly #owner: DialOwner;
  /** Until when it waits for a way, once it has had to. */
  #waitsUntil: number | undefined;
  // Of the attempt that is under way:
  #pipelined = false;
  #connecting: Connecting | undefined;
  #socket: ProxySocket | undefined;
  #writer: MessageWriter | undefined;
  #handshake: Socks5Handshake | undefined;
  #alarm: Alarm | undefined;
  #hasMethod = false;
  /** A proxy that loses what came with the greeting would be silent from now on. */
  #onTrial = false;

  constructor(
    dialer: ProxyDialer,
    command: Socks5Command,
    target: Socks5Target,
    owner: DialOwner,
  ) {
    this.#dialer = dialer;
    this.#command = command;
    this.#target = target;
    this.#owner = owner;
  }

  start(): void {
    this.#attempt(this.#dialer.capability.tryPipelined);
  }

  /** Nobody wants the connection any more; the owner hears nothing of it. */
  cancel(): void {
    this.#close();
  }

  /** Begins again where what was begun may have no answer; whom the proxy has not answered has lost nothing. */
  follow(change: PathChange): void {
    const lost = this.#socket === undefined
      ? this.#connecting !== undefined && change.moved
      : change.cutsOff(this.#socket.localAddr.hostname);
    if (!lost) return;
    this.#socket?.reset();
    this.#close();
    this.start();
  }

  goOn(): void {
    this.#attempt(this.#pipelined);
  }

  connected(socket: ProxySocket): void {
    this.#connecting = undefined;
    this.#socket = socket;
    this.#writer = new MessageWriter(this.#dialer.arena, socket);
    this.#dialer.reached();
    const handshake = this.#dialer.handshake(this.#command, this.#target, this.#pipelined);
    this.#handshake = handshake;
    this.#limit(this.#dialer.connectTimeout);
    this.#write(handshake.start());
  }

  arrived(at: number, end: number): void {
    const { arena } = this.#dialer;
    const handshake = this.#handshake!;
    const used = handshake.receive(arena.bytes, at, end);
    if (handshake.bound !== undefined) return this.#succeed(handshake, at + used, end);
    arena.release(at);
    if (handshake.failure !== undefined) return this.#unsuccessful(handshake);
    this.#beMorePatient(handshake);
    const output = handshake.takeOutput();
    if (output === undefined) this.#socket!.receive(SMALL_SLOT, false);
    else this.#write(output);
  }

  ended(): void {
    this.#handshake!.closed();
    this.#unsuccessful(this.#handshake!);
  }

  sent(length: number): void {
    this.#awaitReply(this.#writer!.sent(length));
  }

  broken(why: string, noWay = false): void {
    if (this.#handshake !== undefined) return this.ended();
    this.#connecting = undefined;
    this.#dialer.counters.proxyConnectFailed++;
    if (noWay && !this.#dialer.way.isOpen) return this.#awaitWay();
    this.#unreachable(`cannot connect: ${why}`);
  }

  #attempt(pipelined: boolean): void {
    const { counters, connectTimeout, way } = this.#dialer;
    this.#pipelined = pipelined;
    this.#hasMethod = this.#onTrial = false;
    this.#handshake = undefined;
    if (!way.isOpen) return this.#awaitWay();
    counters.proxyConnects++;
    this.#limit(connectTimeout);
    this.#connecting = this.#dialer.connect(this);
  }

  #awaitWay(): void {
    const { clock, way } = this.#dialer;
    const now = clock.now();
    this.#waitsUntil ??= now + LONGEST_WAIT;
    way.wait(this);
    this.#limit(Math.max(this.#waitsUntil - now, 0));
  }

  #succeed(handshake: Socks5Handshake, restAt: number, end: number): void {
    const { arena, capability } = this.#dialer;
    const socket = this.#socket!;
    this.#socket = undefined;
    this.#close();
    if (restAt === end) arena.release(restAt - 1);
    capability.answered(handshake);
    this.#owner.dialled(socket, handshake, restAt, end);
  }

  #write(bytes: Uint8Array): void {
    this.#awaitReply(this.#writer!.write(bytes));
  }

  /** Not before all is written: whoever gets the socket shall hear nothing of what was sent before. */
  #awaitReply(enoughMemory: boolean): void {
    if (!enoughMemory) {
      this.#dialer.counters.dropNoMemory++;
      return this.#fail("reset", "no packet memory is left");
    }
    if (this.#writer!.isIdle) this.#socket!.receive(SMALL_SLOT, false);
  }

  /** The proxy has chosen a method: from now on it may have to wait for the far end. */
  #beMorePatient(handshake: Socks5Handshake): void {
    if (this.#hasMethod || handshake.chosenMethod === undefined) return;
    this.#hasMethod = true;
    this.#onTrial = handshake.pipelined && this.#dialer.capability.pipelining !== "yes";
    this.#limit(this.#onTrial ? PIPELINED_REPLY : this.#patience);
  }

  /** How long the proxy may take once it has chosen a method. An association needs no far end. */
  get #patience(): number {
    const { connectTimeout, handshakeTimeout } = this.#dialer;
    return this.#command === "associate" ? connectTimeout : handshakeTimeout;
  }

  #timedOut(): void {
    const { capability, counters, connectTimeout, way } = this.#dialer;
    if (way.forget(this)) return this.#unreachable("this host has no way to it");
    if (this.#onTrial && capability.pipelining === "yes") {
      // Others have been answered meanwhile: this proxy is busy, and has lost nothing.
      this.#onTrial = false;
      return this.#limit(this.#patience);
    }
    if (this.#handshake !== undefined) return this.#unsuccessful(this.#handshake);
    counters.proxyConnectTimeout++;
    this.#unreachable(`no connection within ${connectTimeout} ms`);
  }

  #unreachable(message: string): void {
    this.#dialer.unreachable(message);
    this.#fail("network-unreachable", "the proxy cannot be reached");
  }

  /** Counts and reports a handshake that did not succeed, and tries again where that is worth it. */
  #unsuccessful(handshake: Socks5Handshake): void {
    const { capability, counters } = this.#dialer;
    const { failure } = handshake;
    if (failure?.kind === "reply") {
      capability.answered(handshake);
      counters.proxyRefused++;
      return this.#fail(localOutcome(failure), failure.message);
    }
    const again = capability.unanswered(handshake);
    if (failure === undefined) counters.proxyHandshakeTimeout++;
    else if (failure.kind === "closed") counters.proxyClosedEarly++;
    else if (failure.kind === "protocol") counters.proxyProtocolError++;
    else counters.proxyAuthFailed++;
    if (again) return this.#again();
    if (failure === undefined) {
      this.#dialer.failure("timeout", "the handshake was not finished in time");
      return this.#fail("timed-out", "the proxy did not answer in time");
    }
    // `ssh -D` says "unreachable" by closing: at the level of a flow that is ordinary.
    this.#dialer.failure(failure.kind, failure.message);
    this.#fail(localOutcome(failure), failure.message);
  }

  #again(): void {
    this.#close();
    if (!this.#pipelined) return this.#fail("reset", "the proxy does not answer");
    this.#dialer.counters.proxyPipelineSteppedBack++;
    this.#attempt(false);
  }

  #fail(outcome: LocalOutcome, message: string): void {
    this.#close();
    this.#owner.undialled({ outcome, message });
  }

  #limit(milliseconds: number): void {
    this.#alarm?.cancel();
    this.#alarm = this.#dialer.clock.after(milliseconds, () => this.#timedOut());
  }

  #close(): void {
    this.#alarm?.cancel();
    this.#dialer.way.forget(this);
    this.#writer?.clear();
    this.#connecting?.close();
    this.#connecting = undefined;
    this.#socket?.close();
    this.#socket = undefined;
  }
}
