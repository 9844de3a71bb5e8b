/**
 * An owner of everything that a stack opens, who does at random what owners may do: accept, refuse or
 * leave waiting; keep, consume or turn away bytes; send, finish, abort. It checks what it is promised.
 */

import type { Stack, StackHandler } from "../../src/stack/stack.ts";
import type { TcpConnection, TcpFailure, TcpOwner } from "../../src/stack/tcp/connection.ts";
import type { IcmpError } from "../../src/wire/icmp.ts";
import type { Packet } from "../../src/wire/packet.ts";
import type { PoisonedArena } from "./poisoned_link.ts";
import type { Random } from "./random.ts";
import { hold } from "./target.ts";

const ERRORS: readonly IcmpError[] = [
  "network-unreachable",
  "host-unreachable",
  "port-unreachable",
  "prohibited",
];

/** Bytes that an owner keeps for a while. */
interface Kept {
  readonly owner: RandomOwner;
  readonly at: number;
  readonly length: number;
}

export class RandomHandler implements StackHandler {
  readonly random: Random;
  readonly arena: PoisonedArena;
  readonly kept: Kept[] = [];
  readonly #waiting: TcpConnection[] = [];
  #stack: Stack | undefined = undefined;
  /** Calls from the stack; whoever bounds the work sets it back. */
  calls = 0;

  constructor(random: Random, arena: PoisonedArena) {
    this.random = random;
    this.arena = arena;
  }

  /** The stack that calls; known only after it was made with this handler. */
  attach(stack: Stack): void {
    this.#stack = stack;
  }

  tcpOpened(connection: TcpConnection): void {
    this.calls++;
    if (!this.random.oneIn(30)) connection.owner = new RandomOwner(this, connection);
    if (this.random.oneIn(3)) this.#waiting.push(connection);
    else this.#decide(connection);
  }

  udpReceived(packet: Packet, from: number, to: number, at: number, end: number): void {
    this.calls++;
    const { bytes, sourceAt, destinationAt, addressLength } = packet;
    hold(packet.at < at && at <= end && end <= packet.end, "a datagram lies outside its packet");
    const stack = this.#stack!;
    const source = bytes.slice(sourceAt, sourceAt + addressLength);
    const destination = bytes.slice(destinationAt, destinationAt + addressLength);
    switch (this.random.below(6)) {
      case 0:
        return stack.refuse(packet, this.random.pick(ERRORS));
      case 1:
        return stack.refuse(packet, "too-big", 1280);
      case 2:
        return stack.refuseDatagram(source, from, destination, to, "port-unreachable", stack.now);
      case 3:
        stack.sendUdp(bytes, destinationAt, to, bytes, sourceAt, from, addressLength, at, end);
    }
  }

  /** Does something with what waits. */
  act(): void {
    if (this.#waiting.length > 0 && this.random.oneIn(4)) this.#decide(this.#waiting.pop()!);
    if (this.kept.length > 0 && this.random.oneIn(3)) this.#passOn(this.kept.shift()!);
    if (this.random.oneIn(50)) this.#stack!.connections.forEach((one) => this.#stir(one));
  }

  /** Lets go of everything, as at the end. */
  letGo(): void {
    for (const connection of this.#waiting.splice(0)) connection.refuse();
    for (const kept of this.kept.splice(0)) this.#passOn(kept);
  }

  #decide(connection: TcpConnection): void {
    switch (this.random.below(8)) {
      case 0:
        return connection.refuse();
      case 1:
        return connection.refuse(this.random.pick(ERRORS));
      case 2:
        return connection.abort();
      case 3:
        connection.finish();
        return connection.accept();
      default:
        connection.accept();
    }
  }

  #stir(connection: TcpConnection): void {
    if (!this.random.oneIn(8)) return;
    if (this.random.oneIn(6)) connection.abort();
    else if (this.random.oneIn(4)) connection.finish();
    else if (connection.owner instanceof RandomOwner) connection.owner.sendSome(connection);
  }

  #passOn(kept: Kept): void {
    this.arena.release(kept.at);
    if (!kept.owner.ended) kept.owner.connection.consumed(kept.length);
  }
}

export class RandomOwner implements TcpOwner {
  readonly connection: TcpConnection;
  ended = false;
  readonly #handler: RandomHandler;
  #connected = false;
  #finished = false;

  constructor(handler: RandomHandler, connection: TcpConnection) {
    this.#handler = handler;
    this.connection = connection;
  }

  connected(connection: TcpConnection): void {
    this.#called();
    hold(!this.#connected, "connected twice");
    this.#connected = true;
    if (this.#handler.random.oneIn(3)) this.sendSome(connection);
    else this.#misbehave(connection);
  }

  received(connection: TcpConnection, at: number, end: number): number {
    this.#called();
    const { arena, random, kept } = this.#handler;
    hold(
      this.#connected && !this.#finished && at < end,
      "bytes before the beginning or after the end",
    );
    hold(arena.references(at) > 0, "bytes in a slot that nobody holds");
    hold(arena.slotStart(at) === arena.slotStart(end - 1), "bytes in more than one slot");
    if (random.oneIn(16)) return 0;
    if (random.oneIn(16)) end = at + random.below(end - at);
    if (random.oneIn(3)) {
      arena.retain(at);
      kept.push({ owner: this, at, length: end - at });
    } else connection.consumed(end - at);
    this.#misbehave(connection);
    return end - at;
  }

  finished(connection: TcpConnection): void {
    this.#called();
    hold(!this.#finished, "finished twice");
    this.#finished = true;
    if (this.#handler.random.oneIn(2)) connection.finish();
    else this.#misbehave(connection);
  }

  writable(connection: TcpConnection): void {
    this.#called();
    if (this.#handler.random.oneIn(4)) this.sendSome(connection);
    else this.#misbehave(connection);
  }

  closed(): void {
    this.#called();
    this.ended = true;
  }

  failed(_connection: TcpConnection, failure: TcpFailure): void {
    this.#called();
    hold(failure.length > 0, "a failure without a name");
    this.ended = true;
  }

  sendSome(connection: TcpConnection): void {
    const { arena, random } = this.#handler;
    for (let times = 1 + random.below(3); times > 0 && connection.sendRoom > 0; times--) {
      const large = arena.freeLarge > 8 && random.oneIn(2);
      const at = large ? arena.takeLarge() : arena.takeSmall();
      if (at < 0) return;
      const most = Math.min(connection.sendRoom, large ? 60_000 : 2_000);
      const length = 1 + random.below(most);
      arena.bytes.fill(random.next(), at, at + length);
      connection.send(at, at + length);
    }
  }

  #called(): void {
    this.#handler.calls++;
    hold(!this.ended, "an owner was called after the end");
  }

  #misbehave(connection: TcpConnection): void {
    const { random } = this.#handler;
    if (random.oneIn(40)) connection.finish();
    else if (random.oneIn(100)) connection.abort();
  }
}
