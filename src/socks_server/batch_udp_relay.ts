/**
 * An association's relay on the system's own sockets, many datagrams per call (udp_loop.ts). Datagrams of one
 * size that go the same way behind one another leave as one message. Nothing is allocated per datagram,
 * but where names are looked up and where clients are shown other addresses.
 */

import type { Address } from "../addr/address.ts";
import { isHostName } from "../addr/endpoint.ts";
import { isBroadcast, isMulticast } from "../addr/kind.ts";
import { get16, sameBytes } from "../bytes.ts";
import { Errno } from "../../ffi/libc.ts";
import type { SendFailures } from "../../ffi/udp_sender_linux.ts";
import { UdpSocket } from "../../ffi/udp_socket_linux.ts";
import {
  AddressType,
  newUdpHeader,
  readUdpHeader,
  udpHeaderLength,
  writeUdpHeader,
} from "../wire/socks5.ts";
import { socketAddress } from "./socket_address.ts";
import type { UdpLoop } from "./udp_loop.ts";
import { MAX_RESOLVING, type UdpRelay, type UdpRelayOptions } from "./udp_relay.ts";

/** Longer payloads are sent from where they were received. */
const LONGEST_COPY = 4_096;
/** In a `struct sockaddr`. */
const PORT_AT = 2;
const ANY_IPV4 = new Uint8Array(4);
const ANY_IPV6 = new Uint8Array(16);

export class BatchUdpRelay implements UdpRelay, SendFailures {
  readonly address: Address;
  readonly port: number;
  readonly #options: UdpRelayOptions;
  readonly #loop: UdpLoop;
  readonly #relay: UdpSocket;
  readonly #client: Address;
  readonly #header = newUdpHeader();
  readonly #decoder = new TextDecoder();
  #clientPort: number;
  #socket4: UdpSocket | undefined = undefined;
  #socket6: UdpSocket | undefined = undefined;
  /** Where what is sent now goes out. */
  #out: UdpSocket | undefined = undefined;
  /** The header of the last datagram that went out, where it was received; the same one goes the same way. */
  #sameAt = 0;
  #sameLength = 0;
  #resolving = 0;
  #closed = false;

  /** Throws a `SysError` when no socket can be had. */
  constructor(options: UdpRelayOptions, loop: UdpLoop) {
    this.#options = options;
    this.#loop = loop;
    this.#client = socketAddress(options.clientHost);
    this.#clientPort = options.clientPort;
    this.address = socketAddress(options.localHost);
    this.#relay = UdpSocket.bound(this.address, 0);
    this.port = this.#relay.port;
    loop.watch(this.#relay, () => this.#fromClient());
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    for (const socket of [this.#relay, this.#socket4, this.#socket6]) {
      if (socket === undefined) continue;
      this.#loop.unwatch(socket);
      socket.close();
    }
    return Promise.resolve();
  }

  sendFailed(_at: number, _end: number, error: number): void {
    const { counters } = this.#options;
    // It was counted when it was added.
    if (this.#out === this.#relay) counters.datagramsDown--;
    else counters.datagramsUp--;
    if (error === Errno.EMSGSIZE) counters.datagramsTooLong++;
    else counters.datagramsUnsendable++;
  }

  // ---- from the client ----

  #fromClient(): number {
    const { receiver } = this.#loop.io;
    const count = this.#loop.receive(this.#relay);
    let datagrams = 0;
    this.#sameLength = 0;
    for (let i = 0; i < count; i++) {
      const segment = receiver.segment(i);
      const end = receiver.end(i);
      const known = this.#isClient(receiver.names, receiver.nameAt(i));
      let at = receiver.at(i);
      do {
        const next = Math.min(at + segment, end);
        datagrams++;
        if (known) this.#forward(at, next);
        else this.#options.counters.datagramsForeign++;
        at = next;
      } while (at < end);
    }
    this.#send();
    return datagrams;
  }

  /** Whether that `struct sockaddr` is the client's. */
  #isClient(name: Uint8Array, at: number): boolean {
    const client = this.#client;
    if (!sameBytes(name, at + octetsAt(client.length), client, 0, client.length)) return false;
    const port = get16(name, at + PORT_AT);
    if (this.#clientPort === 0) this.#clientPort = port;
    return port === this.#clientPort;
  }

  #forward(at: number, end: number): void {
    const { bytes } = this.#loop;
    const same = this.#sameLength;
    if (same > 0 && end - at >= same && sameBytes(bytes, at, bytes, this.#sameAt, same)) {
      return this.#add(at + same, end);
    }
    const { counters } = this.#options;
    const header = this.#header;
    if (!readUdpHeader(bytes, at, end, header)) counters.datagramsMalformed++;
    else if (header.frag !== 0) counters.datagramsFragmented++;
    else if (header.addressType === AddressType.Name) this.#forwardToName(end);
    else {
      const { addressAt, addressLength, port, payloadAt } = header;
      if (!this.#aim(bytes, addressAt, addressLength, port)) return;
      this.#sameAt = at;
      this.#sameLength = payloadAt - at;
      this.#add(payloadAt, end);
    }
  }

  /** A name that is known goes out in its turn; one that must be asked for does not hold up the others. */
  #forwardToName(end: number): void {
    const { names, counters } = this.#options;
    const { addressAt, addressLength, port, payloadAt } = this.#header;
    const { bytes } = this.#loop;
    const name = this.#decoder.decode(bytes.subarray(addressAt, addressAt + addressLength));
    const known = names.known(name);
    if (known !== undefined) {
      const [address] = known;
      if (address === undefined) counters.datagramsUnresolved++;
      else if (this.#aim(address, 0, address.length, port)) this.#add(payloadAt, end);
    } else if (isHostName(name) && this.#resolving < MAX_RESOLVING) {
      this.#resolving++;
      void this.#resolveAndSend(name, port, bytes.slice(payloadAt, end));
    } else {
      counters.datagramsUnresolved++;
    }
  }

  async #resolveAndSend(name: string, port: number, payload: Uint8Array): Promise<void> {
    const [address] = await this.#options.names.resolve(name);
    this.#resolving--;
    if (this.#closed) return;
    if (address === undefined) this.#options.counters.datagramsUnresolved++;
    else this.#sendLate(address, port, payload);
  }

  #sendLate(address: Address, port: number, payload: Uint8Array): void {
    if (!this.#aim(address, 0, address.length, port)) return;
    const at = this.#loop.stage(payload.length);
    this.#loop.bytes.set(payload, at);
    this.#loop.io.sender.add(at, at + payload.length);
    this.#options.counters.datagramsUp++;
    this.#send();
  }

  /** What is added from now on goes there; false, and counted, when nothing may. */
  #aim(bytes: Uint8Array, at: number, length: number, port: number): boolean {
    const { counters, destinations } = this.#options;
    this.#sameLength = 0;
    if (destinations !== undefined) {
      const real = destinations.real({ address: bytes.slice(at, at + length), port });
      [bytes, at, length, port] = [real.address, 0, real.address.length, real.port];
    }
    const socket = isMulticast(bytes, at, length) || isBroadcast(bytes, at, length)
      ? undefined
      : this.#socketFor(length);
    if (socket === undefined) {
      counters.datagramsUnsendable++;
      return false;
    }
    this.#begin(socket);
    this.#loop.io.sender.to(bytes, at, length, port);
    return true;
  }

  /** Sends the payload to where `#aim` said. */
  #add(at: number, end: number): void {
    this.#options.counters.datagramsUp++;
    const length = end - at;
    const { sender } = this.#loop.io;
    if (length > LONGEST_COPY) return sender.add(at, end);
    const to = this.#loop.stage(length);
    this.#loop.bytes.copyWithin(to, at, end);
    sender.add(to, to + length);
  }

  // ---- from the remotes ----

  #fromRemotes(socket: UdpSocket, addressLength: number): number {
    const { receiver, sender } = this.#loop.io;
    const count = this.#loop.receive(socket);
    if (count === 0) return 0;
    let datagrams = 0;
    this.#begin(this.#relay);
    sender.to(this.#client, 0, this.#client.length, this.#clientPort);
    for (let i = 0; i < count; i++) {
      const at = receiver.at(i);
      const headerAt = this.#writeHeader(at, receiver.nameAt(i), addressLength);
      datagrams += this.#reply(headerAt, at, receiver.end(i), receiver.segment(i));
    }
    this.#send();
    return datagrams;
  }

  /** Writes the header for what came from that `struct sockaddr` right in front of it; where it begins. */
  #writeHeader(payloadAt: number, nameAt: number, addressLength: number): number {
    const { destinations } = this.#options;
    const { bytes, io: { receiver: { names } } } = this.#loop;
    const at = nameAt + octetsAt(addressLength);
    const port = get16(names, nameAt + PORT_AT);
    if (destinations === undefined) {
      const headerAt = payloadAt - udpHeaderLength(addressLength);
      writeUdpHeader(bytes, headerAt, names, at, addressLength, port);
      return headerAt;
    }
    const shown = destinations.shown({ address: names.slice(at, at + addressLength), port });
    const headerAt = payloadAt - udpHeaderLength(shown.address.length);
    writeUdpHeader(bytes, headerAt, shown.address, 0, shown.address.length, shown.port);
    return headerAt;
  }

  /** Sends the datagrams of `[at, end)`, each with the header in front of the first; how many there are. */
  #reply(headerAt: number, at: number, end: number, segment: number): number {
    const { bytes, io: { sender } } = this.#loop;
    const header = at - headerAt;
    let count = 0;
    do {
      const next = Math.min(at + segment, end);
      const length = header + next - at;
      if (count++ === 0 && length > LONGEST_COPY) sender.add(headerAt, next);
      else {
        const to = this.#loop.stage(length);
        bytes.copyWithin(to, headerAt, headerAt + header);
        bytes.copyWithin(to + header, at, next);
        sender.add(to, to + length);
      }
      at = next;
    } while (at < end);
    this.#options.counters.datagramsDown += count;
    return count;
  }

  // ---- shared ----

  #socketFor(addressLength: number): UdpSocket | undefined {
    try {
      return addressLength === 4
        ? this.#socket4 ??= this.#open(ANY_IPV4)
        : this.#socket6 ??= this.#open(ANY_IPV6);
    } catch {
      // No descriptors, or no IPv6 on this host.
      return undefined;
    }
  }

  #open(any: Address): UdpSocket {
    const socket = UdpSocket.bound(any, 0);
    this.#loop.watch(socket, () => this.#fromRemotes(socket, any.length));
    return socket;
  }

  /** What is added from now on goes out there. */
  #begin(socket: UdpSocket): void {
    if (this.#out === socket) return;
    if (this.#out !== undefined) this.#loop.send();
    this.#out = socket;
    this.#loop.io.sender.begin(socket, this);
  }

  /** The end of a batch. */
  #send(): void {
    if (this.#out === undefined) return;
    this.#loop.send();
    this.#out = undefined;
    this.#options.touch();
  }
}

/** Where in a `struct sockaddr` the address stands. */
function octetsAt(addressLength: number): number {
  return addressLength === 4 ? 4 : 8;
}
