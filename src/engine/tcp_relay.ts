/**
 * One TCP flow: the local connection on one side, a socket to the proxy on the other.
 *
 * What one side does, the other sees: data with its back-pressure, the end of each direction by itself,
 * a reset as a reset. The relay is over when the upload is flushed and the local side is gone.
 *
 *     start ─dial→ accepted ─connected→ both directions run
 *       TcpDownload: socket → connection; end of file → FIN
 *       TcpUpload:   connection → socket; FIN → end of file
 */

import type { LocalOutcome } from "../outbound/socks5/failure.ts";
import type { TcpConnection, TcpOwner } from "../stack/tcp/connection.ts";
import type { IcmpError } from "../wire/icmp.ts";
import type { Alarm } from "./alarms.ts";
import type { EngineContext } from "./context.ts";
import type { ProxySocket, SocketListener } from "./driver.ts";
import type { Dial, DialOwner, Failed } from "./dial.ts";
import type { PathChange } from "./proxy_path.ts";
import { TcpDownload } from "./tcp_download.ts";
import { TcpUpload } from "./tcp_upload.ts";

export class TcpRelay implements TcpOwner, DialOwner, SocketListener {
  /** Of `RelayList`. */
  place = -1;
  readonly #context: EngineContext;
  readonly #connection: TcpConnection;
  readonly #over: (relay: TcpRelay) => void;
  readonly #upload: TcpUpload;
  readonly #download: TcpDownload;
  #dial: Dial | undefined;
  #socket: ProxySocket | undefined;
  /** What the far end sent right behind the proxy's reply: it waits for the local handshake. */
  #restAt = 0;
  #restEnd = 0;
  #localOpen = true;
  #ended = false;
  #linger: Alarm | undefined;

  /** `over` is called once, when nothing of the relay is left. */
  constructor(context: EngineContext, connection: TcpConnection, over: (relay: TcpRelay) => void) {
    this.#context = context;
    this.#connection = connection;
    this.#over = over;
    this.#upload = new TcpUpload(context, connection, () => this.#uploaded());
    this.#download = new TcpDownload(context, connection);
    connection.owner = this;
  }

  /** Connects to `address` through the proxy; the local SYN is answered accordingly. */
  start(address: Uint8Array): void {
    const { dialer, settings } = this.#context;
    if (settings.earlyAccept) this.#connection.accept();
    const target = { kind: "ip", address, port: this.#connection.endpoints.localPort } as const;
    this.#dial = dialer.dial("connect", target, this);
  }

  /** Stops in order: FIN behind what was received; what the local side still sends goes on. */
  stop(): void {
    if (this.#socket === undefined) return this.abort();
    this.#connection.finish();
  }

  /** Ends at once, with a reset both ways. */
  abort(): void {
    this.#socket?.reset();
    this.#connection.abort();
    this.#end();
  }

  /** The proxy or this host has moved. True when that is the end. */
  follow(change: PathChange): boolean {
    const lost = this.#socket !== undefined && change.cutsOff(this.#socket.localAddr.hostname);
    if (lost) this.abort();
    else this.#dial?.follow(change);
    return lost;
  }

  // What the local connection says.

  connected(): void {
    if (this.#socket !== undefined) this.#begin(this.#socket);
  }

  received(_connection: TcpConnection, at: number, end: number): number {
    return this.#upload.received(at, end);
  }

  finished(): void {
    this.#upload.finish();
  }

  writable(): void {
    this.#download.writable();
  }

  closed(): void {
    this.#localGone();
    if (this.#upload.isDone || this.#socket === undefined) return this.#end();
    // The local side is done, what it sent is still being written: that has as long as a half-closed flow.
    const { tcpHalfClosed } = this.#context.settings.timeouts;
    this.#linger = this.#context.after(tcpHalfClosed, () => this.abort());
  }

  failed(): void {
    this.#localGone();
    this.#socket?.reset();
    this.#end();
  }

  // What the proxy says.

  dialled(socket: ProxySocket, _handshake: unknown, restAt: number, restEnd: number): void {
    socket.listener = this;
    this.#dial = undefined;
    this.#socket = socket;
    this.#restAt = restAt;
    this.#restEnd = restEnd;
    this.#context.counters.proxyBytesDown += restEnd - restAt;
    if (!this.#connection.answered) this.#connection.accept();
    else if (this.#connection.state !== "SynReceived") this.#begin(socket);
  }

  undialled({ outcome }: Failed): void {
    this.#dial = undefined;
    this.#refuse(outcome);
    this.#end();
  }

  // What the socket to it says.

  arrived(at: number, end: number): void {
    this.#context.counters.proxyBytesDown += end - at;
    this.#download.arrived(at, end);
  }

  ended(): void {
    this.#download.ended();
  }

  sent(length: number): void {
    this.#upload.sent(length);
  }

  /** The local side sees a reset. */
  broken(): void {
    if (this.#ended) return;
    this.#context.counters.proxyReset++;
    this.#context.dialer.log.detail("a connection was reset");
    this.#connection.abort();
    this.#end();
  }

  #uploaded(): void {
    if (!this.#localOpen) this.#end();
  }

  #localGone(): void {
    this.#localOpen = false;
    this.#download.stop();
  }

  #refuse(outcome: LocalOutcome): void {
    if (this.#connection.answered) this.#connection.abort();
    else this.#connection.refuse(icmpErrorFor(outcome));
  }

  /** Both sides stand. */
  #begin(socket: ProxySocket): void {
    if (this.#restAt < this.#restEnd) {
      this.#connection.send(this.#restAt, this.#restEnd);
      this.#restEnd = this.#restAt;
    }
    this.#upload.start(socket);
    this.#download.start(socket);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#localGone();
    this.#linger?.cancel();
    this.#dial?.cancel();
    this.#upload.stop();
    this.#socket?.close();
    if (this.#restAt < this.#restEnd) this.#context.arena.release(this.#restAt);
    this.#restEnd = this.#restAt;
    this.#over(this);
  }
}

function icmpErrorFor(outcome: LocalOutcome): IcmpError | undefined {
  switch (outcome) {
    case "network-unreachable":
    case "host-unreachable":
    case "prohibited":
      return outcome;
    case "timed-out":
      return "host-unreachable";
    case "refused":
    case "reset":
      return undefined;
    default:
      return outcome satisfies never;
  }
}
