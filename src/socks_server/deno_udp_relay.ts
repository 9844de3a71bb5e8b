/**
 * An association's relay on Deno's own sockets, one datagram at a time: for where the system's cannot be
 * had (batch_udp_relay.ts).
 */

import { type Address, formatAddress } from "../addr/address.ts";
import { isHostName } from "../addr/endpoint.ts";
import { isBroadcast, isMulticast } from "../addr/kind.ts";
import {
  AddressType,
  newUdpHeader,
  readUdpHeader,
  udpHeaderLength,
  writeUdpHeader,
} from "../wire/socks5.ts";
import { plainHost, socketAddress } from "./socket_address.ts";
import { MAX_RESOLVING, type UdpRelay, type UdpRelayOptions } from "./udp_relay.ts";

const MAX_DATAGRAM = 65_535;
/** Room for the longest header that is written in front of a reply. */
const HEADROOM = udpHeaderLength(16);
export class DenoUdpRelay implements UdpRelay {
  readonly #options: UdpRelayOptions;
  readonly #relay: Deno.DatagramConn;
  readonly #clientHost: string;
  readonly #loops: Promise<void>[] = [];
  readonly #header = newUdpHeader();
  readonly #decoder = new TextDecoder();
  #clientPort: number;
  #socket4: Deno.DatagramConn | undefined = undefined;
  #socket6: Deno.DatagramConn | undefined = undefined;
  #resolving = 0;
  #closed = false;

  /** Throws the system's error when no socket can be had. */
  constructor(options: UdpRelayOptions) {
    this.#options = options;
    this.#clientHost = plainHost(options.clientHost);
    this.#clientPort = options.clientPort;
    const hostname = plainHost(options.localHost);
    this.#relay = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    this.#loops.push(this.#fromClient());
  }

  /** BND.ADDR and BND.PORT: where the client sends its datagrams. */
  get address(): Address {
    return socketAddress(netAddress(this.#relay).hostname);
  }

  get port(): number {
    return netAddress(this.#relay).port;
  }

  /** Resolves when nothing of it is left. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#relay.close();
      this.#socket4?.close();
      this.#socket6?.close();
    }
    await Promise.all(this.#loops);
  }

  async #fromClient(): Promise<void> {
    const buffer = new Uint8Array(MAX_DATAGRAM);
    for (;;) {
      const received = await receive(this.#relay, buffer);
      if (received === undefined) return;
      const [datagram, from] = received;
      if (!this.#isClient(from)) this.#options.counters.datagramsForeign++;
      else await this.#forward(datagram);
    }
  }

  #isClient(from: Deno.NetAddr): boolean {
    if (from.hostname !== this.#clientHost) return false;
    if (this.#clientPort === 0) this.#clientPort = from.port;
    return from.port === this.#clientPort;
  }

  async #forward(datagram: Uint8Array): Promise<void> {
    const header = this.#header;
    const counters = this.#options.counters;
    if (!readUdpHeader(datagram, 0, datagram.length, header)) {
      counters.datagramsMalformed++;
    } else if (header.frag !== 0) {
      counters.datagramsFragmented++;
    } else if (header.addressType === AddressType.Name) {
      await this.#forwardToName(datagram);
    } else {
      const address = datagram.subarray(header.addressAt, header.addressAt + header.addressLength);
      await this.#send(address, header.port, datagram.subarray(header.payloadAt));
    }
  }

  /** A name that is known goes out in its turn; one that must be asked for does not hold up the others. */
  async #forwardToName(datagram: Uint8Array): Promise<void> {
    const { addressAt, addressLength, port, payloadAt } = this.#header;
    const name = this.#decoder.decode(datagram.subarray(addressAt, addressAt + addressLength));
    const known = this.#options.names.known(name);
    if (known !== undefined) {
      await this.#sendToFirst(known, port, datagram.subarray(payloadAt));
    } else if (isHostName(name) && this.#resolving < MAX_RESOLVING) {
      this.#resolving++;
      this.#resolveAndSend(name, port, datagram.slice(payloadAt));
    } else {
      this.#options.counters.datagramsUnresolved++;
    }
  }

  async #resolveAndSend(name: string, port: number, payload: Uint8Array): Promise<void> {
    const addresses = await this.#options.names.resolve(name);
    this.#resolving--;
    if (!this.#closed) await this.#sendToFirst(addresses, port, payload);
  }

  async #sendToFirst(addresses: Address[], port: number, payload: Uint8Array): Promise<void> {
    const [address] = addresses;
    if (address === undefined) this.#options.counters.datagramsUnresolved++;
    else await this.#send(address, port, payload);
  }

  async #send(asked: Address, askedPort: number, payload: Uint8Array): Promise<void> {
    const { counters, destinations } = this.#options;
    const to = { address: asked, port: askedPort };
    const { address, port } = destinations?.real(to) ?? to;
    // Deno allows broadcast on every socket: a client is not to reach all of the server's network at once.
    if (isMulticast(address) || isBroadcast(address)) {
      counters.datagramsUnsendable++;
      return;
    }
    try {
      const socket = address.length === 4 ? this.#ipv4Socket() : this.#ipv6Socket();
      await socket.send(payload, { transport: "udp", hostname: formatAddress(address), port });
      counters.datagramsUp++;
      this.#options.touch();
    } catch (error) {
      if (this.#closed) return;
      if (isTooLong(error)) counters.datagramsTooLong++;
      else counters.datagramsUnsendable++;
    }
  }

  #ipv4Socket(): Deno.DatagramConn {
    return this.#socket4 ??= this.#open("0.0.0.0");
  }

  #ipv6Socket(): Deno.DatagramConn {
    return this.#socket6 ??= this.#open("::");
  }

  #open(hostname: string): Deno.DatagramConn {
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    this.#loops.push(this.#fromRemotes(socket));
    return socket;
  }

  async #fromRemotes(socket: Deno.DatagramConn): Promise<void> {
    const buffer = new Uint8Array(HEADROOM + MAX_DATAGRAM);
    const payload = buffer.subarray(HEADROOM);
    for (;;) {
      const received = await receive(socket, payload);
      if (received === undefined) return;
      const [datagram, from] = received;
      await this.#reply(buffer, HEADROOM + datagram.length, from);
    }
  }

  /** The header goes right in front of the payload, where it was received. */
  async #reply(buffer: Uint8Array, end: number, from: Deno.NetAddr): Promise<void> {
    const { counters, destinations } = this.#options;
    const source = { address: socketAddress(from.hostname), port: from.port };
    const { address, port } = destinations?.shown(source) ?? source;
    const at = HEADROOM - udpHeaderLength(address.length);
    writeUdpHeader(buffer, at, address, 0, address.length, port);
    const to = { transport: "udp", hostname: this.#clientHost, port: this.#clientPort } as const;
    try {
      await this.#relay.send(buffer.subarray(at, end), to);
      counters.datagramsDown++;
      this.#options.touch();
    } catch (error) {
      if (this.#closed) return;
      if (isTooLong(error)) counters.datagramsTooLong++;
      else counters.datagramsUnsendable++;
    }
  }
}

/** The next datagram; undefined once the socket is closed. */
async function receive(
  socket: Deno.DatagramConn,
  into: Uint8Array,
): Promise<[Uint8Array, Deno.NetAddr] | undefined> {
  try {
    const [datagram, from] = await socket.receive(into);
    return from.transport === "udp" ? [datagram, from] : undefined;
  } catch {
    return undefined;
  }
}

function netAddress(socket: Deno.DatagramConn): Deno.NetAddr {
  if (socket.addr.transport !== "udp") throw new TypeError("Cannot relay: not a UDP socket");
  return socket.addr;
}

function isTooLong(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EMSGSIZE";
}
