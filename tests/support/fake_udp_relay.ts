/** The UDP side of the scripted SOCKS5 server: one socket for each association. */

import { formatAddressAt } from "../../src/addr/address.ts";
import { Command, newUdpHeader, readUdpHeader } from "../../src/wire/socks5.ts";
import type { FakeClient, FakeRequest, FakeSocks5, Script } from "./fake_socks5.ts";

export interface RelayedDatagram {
  /** Where the client wants it to go. */
  readonly host: string;
  readonly port: number;
  readonly payload: Uint8Array;
  /** The whole of it, SOCKS5 header first. */
  readonly bytes: Uint8Array;
}

export class FakeUdpRelay {
  readonly received: RelayedDatagram[] = [];
  /** Where its association's client sends from, once it has. */
  client: Deno.NetAddr | undefined;
  /** What becomes of a datagram; back it goes as it came, unless told otherwise. */
  onDatagram: (datagram: RelayedDatagram) => Promise<void> = ({ bytes }) => this.send(bytes);
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #done: Promise<void>;
  #closed = false;

  constructor() {
    this.#done = this.#receive();
  }

  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  /** Sends to the client of the association. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.client === undefined) throw new Error("The relay knows no client yet");
    await this.#socket.send(bytes, this.client);
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#socket.close();
    this.#closed = true;
    await this.#done;
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    const header = newUdpHeader();
    try {
      for (;;) {
        const [bytes, from] = await this.#socket.receive(buffer);
        this.client = from as Deno.NetAddr;
        if (!readUdpHeader(bytes, 0, bytes.length, header)) throw new Error("No SOCKS5 datagram");
        const datagram = {
          host: formatAddressAt(bytes, header.addressAt, header.addressLength),
          port: header.port,
          payload: bytes.slice(header.payloadAt),
          bytes: bytes.slice(),
        };
        this.received.push(datagram);
        await this.onDatagram(datagram);
      }
    } catch (error) {
      if (!this.#closed) throw error;
    }
  }
}

export interface UdpScript {
  readonly script: Script;
  /** In the order of their associations; the first is the engine's own question, at the start. */
  readonly relays: FakeUdpRelay[];
  /** The control connections, in the same order. */
  readonly controls: FakeClient[];
  /** What an association is answered; at once, and where its relay is, unless told otherwise. */
  answer: (client: FakeClient, relay: FakeUdpRelay) => Promise<void>;
  /** What becomes of a CONNECT; refused unless told otherwise. */
  connect: (client: FakeClient, request: FakeRequest, proxy: FakeSocks5) => Promise<void>;
}

/** A proxy that relays UDP, to itself. */
export function relaying(): UdpScript {
  const all: UdpScript = {
    relays: [],
    controls: [],
    answer: (client, relay) => client.reply(0, [127, 0, 0, 1, ...portBytes(relay)]),
    connect: (client) => client.reply(5),
    async script(client, proxy) {
      const request = await client.accept();
      if (request.command === Command.Connect) return await all.connect(client, request, proxy);
      const relay = new FakeUdpRelay();
      all.relays.push(relay);
      all.controls.push(client);
      try {
        await all.answer(client, relay);
        await client.drain();
      } finally {
        await relay.close();
      }
    },
  };
  return all;
}

export function portBytes(relay: FakeUdpRelay): [number, number] {
  return [relay.port >> 8, relay.port & 255];
}
