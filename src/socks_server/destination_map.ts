/**
 * A server may show its clients other addresses than the real ones: `ztun demo` serves on loopback, which
 * no client inside a network namespace can name, under addresses that are set aside for documentation.
 */

import { type Address, parseAddress, sameAddress } from "../addr/address.ts";

export interface SocketAddress {
  readonly address: Address;
  readonly port: number;
}

export interface DestinationMap {
  /** From what a client asks for to what is connected to. */
  real(shown: SocketAddress): SocketAddress;
  /** From where a datagram came to what its client knows it by. */
  shown(real: SocketAddress): SocketAddress;
}

/** What is in no pair stays as it is. */
export class PairedDestinations implements DestinationMap {
  readonly #pairs: readonly (readonly [shown: SocketAddress, real: SocketAddress])[];

  constructor(pairs: readonly (readonly [shown: SocketAddress, real: SocketAddress])[]) {
    this.#pairs = pairs;
  }

  real(shown: SocketAddress): SocketAddress {
    for (const [from, to] of this.#pairs) if (same(from, shown)) return to;
    return shown;
  }

  shown(real: SocketAddress): SocketAddress {
    for (const [to, from] of this.#pairs) if (same(from, real)) return to;
    return real;
  }
}

/** Throws when `host` is not an address. */
export function socketAddressOf(host: string, port: number): SocketAddress {
  const address = parseAddress(host);
  if (address === undefined) throw new TypeError(`Cannot use "${host}" as an address`);
  return { address, port };
}

function same(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && sameAddress(a.address, b.address);
}
