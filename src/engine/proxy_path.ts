/** Where the proxy is, as seen from this host: what is known of it from outside, and what changes with it. */

import { formatAddress, parseAddress } from "../addr/address.ts";
import { isLoopback } from "../addr/kind.ts";

export interface ProxyPath {
  /** The proxy's addresses, to be tried in this order. */
  readonly addresses: readonly string[];
  /** False: there is no way to it at this moment. */
  readonly online: boolean;
  /** Every address that this host has; undefined when that is not told. */
  readonly local: readonly string[] | undefined;
}

/** What becomes of connections when one path follows another. */
export class PathChange {
  /** The proxy is gone from an address: what was known of it need not hold for the one at the others. */
  readonly proxyMoved: boolean;
  /** This host is gone from an address: what was sent from there may never have an answer. */
  readonly hostMoved: boolean;
  readonly #addresses: ReadonlySet<string>;
  readonly #local: ReadonlySet<string> | undefined;

  constructor(before: ProxyPath, after: ProxyPath) {
    this.#addresses = new Set(after.addresses.map(normal));
    this.#local = after.local === undefined ? undefined : new Set(after.local.map(normal));
    this.proxyMoved = before.addresses.some((address) => this.leaves(address));
    this.hostMoved = before.local?.some((address) => this.cutsOff(address)) ?? false;
  }

  /** Something that was under way is better begun again. */
  get moved(): boolean {
    return this.proxyMoved || this.hostMoved;
  }

  /** The proxy is no longer at this address. */
  leaves(address: string): boolean {
    return !this.#addresses.has(normal(address));
  }

  /** Nothing comes to this address of ours any more. */
  cutsOff(address: string): boolean {
    if (this.#local === undefined || this.#local.has(normal(address))) return false;
    const bytes = parseAddress(address);
    return bytes === undefined || !isLoopback(bytes);
  }
}

/** As everybody writes it; what is no address stays as it is. */
function normal(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? text : formatAddress(address);
}
