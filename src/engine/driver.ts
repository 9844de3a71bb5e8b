/**
 * How an engine waits, and how bytes move: the one part in which engines differ.
 *
 * - `async_driver.ts` takes turns with Deno's event loop, and works everywhere;
 * - `uring_driver.ts` blocks its thread in one io_uring, and needs a Linux that allows it.
 *
 * Everything above, relays and stack, is the same for both and does not know which one runs.
 */

import type { Memory } from "../../ffi/memory.ts";
import type { TunLink } from "../link/tun_link.ts";
import type { EngineContext } from "./context.ts";

/** Who hears what a socket says. Nothing is said from within a call to the socket, or after `close`. */
export interface SocketListener {
  /** Bytes came into a slot, whose one reference is the listener's now. */
  arrived(at: number, end: number): void;
  /** The far end has closed its direction. */
  ended(): void;
  /** Of what `send` did not take at once, `length` bytes are gone. Perhaps none: it can be tried again. */
  sent(length: number): void;
  /** There is no connection any more, or none could be made. */
  broken(why: string): void;
}

/** Who asked for a connection. */
export interface ConnectListener extends SocketListener {
  connected(socket: ProxySocket): void;
  /** As any listener's; `noWay` when the system knows no way there, or none from where it would begin. */
  broken(why: string, noWay?: boolean): void;
}

/** A connection that is being made. */
export interface Connecting {
  /** Nobody wants it any more: nothing is said of it. */
  close(): void;
}

/** A connection to the proxy: callbacks, packet memory, no promise per packet. */
export interface ProxySocket {
  /** First who asked for the connection; for a flow, its relay after the handshake. */
  listener: SocketListener;
  readonly localAddr: { readonly hostname: string; readonly port: number };
  readonly remoteAddr: { readonly hostname: string; readonly port: number };
  /** Asks for up to `room` bytes: `arrived`, `ended` or `broken` follows, once. `bulk`: expect many. */
  receive(room: number, bulk: boolean): void;
  /**
   * Writes `[at, end)`: how many bytes are gone at once. When that is not all, `sent` follows, and until
   * then nothing else may be sent. The socket holds the slot as long as it needs it.
   */
  send(at: number, end: number): number;
  /** Writes what is taken without waiting, and keeps nothing: how much. For when there is no memory to wait in. */
  sendNow(at: number, end: number): number;
  /** No more bytes follow: the far end sees the end of the stream. */
  closeWrite(): void;
  /** The far end sees a reset, as far as the system lets us; `close` has to follow. */
  reset(): void;
  close(): void;
}

/** Something with a descriptor of its own that the loop reads when there is something to read. */
export interface Readable {
  /** Reads a batch, using the large slot at `at` as it likes; how much work there was. */
  read(at: number): number;
}

export interface Driver {
  readonly name: "async" | "uring";
  /** Packet memory that it holds for itself, so that there is always somewhere to read to. */
  readonly bytesHeld: number;
  /**
   * Opens a connection to the proxy, at the first of its addresses that answers; one that is a name is
   * resolved. `listener` hears of it afterwards, never from within this call.
   */
  connect(hosts: readonly string[], port: number, listener: ConnectListener): Connecting;
  /** Has the loop call `readable` whenever `fd` has something to read. */
  watch(fd: number, readable: Readable): void;
  unwatch(fd: number): void;
  /** Deno's own timers and sockets work until the function that comes back is called. */
  holdEventLoop(): () => void;
  /** Calls `EngineLoop.alarm` at that time, instead of at the one given before. */
  setAlarm(at: number, now: number): void;
  /** Serves until `stop`, or until the device fails: then the number of the error. */
  run(): Promise<number>;
  /** Makes `run` return soon. */
  stop(): void;
  /** Frees what is left, after `run` has returned. */
  close(): void;
}

/** What a driver calls: the engine's side of the loop. */
export interface EngineLoop {
  /** The beginning of a batch, before anything of it is said. */
  begin(now: number): void;
  /** One packet of the device lies in `[at, end)`. The slot is the driver's; who keeps it retains it. */
  packet(at: number, end: number, now: number): void;
  /** The end of a batch that began at `now`: sends what is due, sets the alarm. */
  settle(now: number): void;
  /** The time of the alarm has come. */
  alarm(now: number): void;
}

/** What a driver is made of. */
export interface DriverParts {
  readonly context: EngineContext;
  readonly loop: EngineLoop;
  readonly link: TunLink;
  readonly memory: Memory;
  /** Where `DRIVER_MEMORY` bytes of the memory are the driver's own, aligned to 8. */
  readonly privateAt: number;
}

export const DRIVER_MEMORY = 128;
