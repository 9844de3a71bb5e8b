/** The client's end of UDP: a socket straight to its destination, or to the relay of a SOCKS5 proxy. */

import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { boundAddress, UDP_ASSOCIATE, udpHeader } from "./socks_message.ts";
import { TcpSocket } from "./tcp_socket.ts";
import { UdpSocket } from "./udp_socket.ts";

const ANY: Endpoint = { host: "0.0.0.0", port: 0 };

export class UdpClient {
  readonly socket = new UdpSocket();
  readonly #header: Uint8Array;
  /** Held open: the association lives as long as the connection that asked for it. */
  readonly #control: TcpSocket | undefined;

  constructor(to: string, socks: Endpoint | undefined) {
    const target = parseEndpoint(to);
    this.#control = socks === undefined ? undefined : new TcpSocket(socks);
    const relay = this.#control && boundAddress(this.#control.ask(UDP_ASSOCIATE, ANY));
    this.#header = relay === undefined ? new Uint8Array() : udpHeader(target);
    this.socket.connect(relay ?? target);
  }

  /** So many datagrams behind one another, each with as much payload. */
  message(size: number, count: number): Uint8Array<ArrayBuffer> {
    const each = this.#header.length + size;
    const message = new Uint8Array(each * count);
    for (let at = 0; at < message.length; at += each) message.set(this.#header, at);
    return message;
  }

  close(): void {
    this.#control?.close();
  }
}
