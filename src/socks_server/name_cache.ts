/**
 * Addresses of the names that datagrams are sent to. A flow sends many datagrams to one name, so an answer
 * is kept for half a minute; whoever asks while a lookup is under way shares it.
 */

import type { Address } from "../addr/address.ts";
import { systemLookup } from "./system_lookup.ts";

const KEEP = 30_000;
/** Beyond it the oldest goes. */
const CAPACITY = 1024;

export type Lookup = (name: string) => Promise<Address[]>;

interface Entry {
  readonly until: number;
  readonly addresses: Promise<Address[]>;
  /** What the lookup gave, once it did: an answer that is there costs no turn of the event loop. */
  settled: Address[] | undefined;
}

export class NameCache {
  readonly #lookup: Lookup;
  readonly #now: () => number;
  /** In order of insertion, so the first is the oldest. */
  readonly #entries = new Map<string, Entry>();

  constructor(now: () => number, lookupName: Lookup = systemLookup) {
    this.#now = now;
    this.#lookup = lookupName;
  }

  /** Addresses known already; empty for a name known not to exist; undefined when it must be asked. */
  known(name: string): Address[] | undefined {
    const entry = this.#entries.get(name);
    return entry !== undefined && entry.until > this.#now() ? entry.settled : undefined;
  }

  /** Never rejects: a name that was not found has no addresses. */
  resolve(name: string): Promise<Address[]> {
    const entry = this.#entries.get(name);
    if (entry !== undefined && entry.until > this.#now()) return entry.addresses;
    const made: Entry = {
      until: this.#now() + KEEP,
      addresses: this.#lookup(name).catch(() => []).then((found) => made.settled = found),
      settled: undefined,
    };
    this.#entries.delete(name);
    this.#entries.set(name, made);
    this.#evict();
    return made.addresses;
  }

  #evict(): void {
    if (this.#entries.size <= CAPACITY) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
