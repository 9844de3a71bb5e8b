/**
 * Both ends of a connection, as its packets carry them: our address, the peer's, both ports. In the headers
 * of IPv4 and of IPv6 these stand one behind the other, three or nine 32-bit words.
 *
 * Every flow has one, so they are kept as an array of small integers, which is a fifth of what two typed
 * arrays take; addresses are made from it for those who ask.
 */

import { get32, set32 } from "../../bytes.ts";
import type { TcpEndpoints } from "./connection.ts";

const IPV4_WORDS = 3;

export class Endpoints implements TcpEndpoints {
  /** Signed: half of the unsigned words are no small integers. */
  readonly words: readonly number[];

  constructor(words: readonly number[]) {
    this.words = words;
  }

  get isIpv4(): boolean {
    return this.words.length === IPV4_WORDS;
  }

  get localAddress(): Uint8Array {
    return this.#address(0);
  }

  get remoteAddress(): Uint8Array {
    return this.#address((this.words.length - 1) / 2);
  }

  get localPort(): number {
    return this.words.at(-1)! >>> 16;
  }

  get remotePort(): number {
    return this.words.at(-1)! & 0xffff;
  }

  /** Writes addresses and ports to where they begin in a packet of ours. */
  write(view: DataView, at: number): void {
    const words = this.words;
    for (let i = 0; i < words.length; i++) view.setInt32(at + 4 * i, words[i]!);
  }

  /** The addresses' part of a checksum. */
  sum(): number {
    let sum = 0;
    for (let i = 0; i < this.words.length - 1; i++) {
      sum += (this.words[i]! >>> 16) + (this.words[i]! & 0xffff);
    }
    return sum;
  }

  #address(from: number): Uint8Array {
    const count = (this.words.length - 1) / 2;
    const address = new Uint8Array(4 * count);
    for (let i = 0; i < count; i++) set32(address, 4 * i, this.words[from + i]!);
    return address;
  }
}

/** The endpoints whose addresses lie in `bytes`. */
export function endpointsIn(
  bytes: Uint8Array,
  localAt: number,
  remoteAt: number,
  addressLength: number,
  localPort: number,
  remotePort: number,
): Endpoints {
  const local = (offset: number) => get32(bytes, localAt + offset) | 0;
  const remote = (offset: number) => get32(bytes, remoteAt + offset) | 0;
  const ports = (localPort << 16) | remotePort;
  if (addressLength === 4) return new Endpoints([local(0), remote(0), ports]);
  // Written out: an array that grows into its size takes twice as much.
  return new Endpoints([
    local(0),
    local(4),
    local(8),
    local(12),
    remote(0),
    remote(4),
    remote(8),
    remote(12),
    ports,
  ]);
}

/** The same endpoints in the form that a connection keeps. */
export function endpointsOf(endpoints: TcpEndpoints): Endpoints {
  const { localAddress, localPort, remoteAddress, remotePort } = endpoints;
  const length = localAddress.length;
  const both = new Uint8Array(2 * length);
  both.set(localAddress);
  both.set(remoteAddress, length);
  return endpointsIn(both, 0, length, length, localPort, remotePort);
}
