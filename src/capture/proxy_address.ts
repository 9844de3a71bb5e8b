/**
 * Where the proxy is: by the system's resolver before anything is captured, and from then on by questions
 * of ztun's own, which leave outside the tunnel. The system's resolver then asks through the tunnel, and so
 * through the proxy that is looked for.
 *
 * What is not known is no news: an address stays until an answer names others.
 */

import { isOwnAddress } from "../../ffi/own_address_linux.ts";
import { resolveHost } from "../../ffi/resolve_linux.ts";
import { type Address, formatAddress, parseAddress, sameAddress } from "../addr/address.ts";
import { addressesInHosts, isLocalhost } from "../addr/hosts_text.ts";
import { UserError } from "../errors.ts";
import { type AskServer, udpAsker } from "./dns_exchange.ts";
import { askForAddresses, FAMILIES, type NameAnswers, sizeOf } from "./name_questions.ts";

export interface ProxyPlace {
  readonly address: Address;
  /** Whether the proxy runs on this host, as far as this address says. */
  readonly kind: "local" | "remote";
}

/** Whom to ask once the resolver is captured, and how. */
export interface OutsideQuestions {
  /** The DNS servers that the host asked before, as text; none: nothing is asked. */
  readonly servers: readonly string[];
  /** What leaves outside the tunnel has it. */
  readonly mark: number;
  /** False where nothing may leave outside: then the questions go through the tunnel. */
  readonly outside: boolean;
}

export interface ProxyAddressIo {
  /** The system's resolver. */
  resolve(name: string): Promise<Address[]>;
  hostsText(): Promise<string>;
  asker(mark: number): AskServer;
  readonly port: number;
  isOwn(address: Address): boolean;
}

/** No two looks are closer to one another, whatever a TTL says. */
const LEAST_GAP_MS = 5_000;
/** After a look that had no answer, or only one of the hosts file. */
const PLAIN_GAP_MS = 30_000;
const DNS_PORT = 53;
const HOSTS_FILE = "/etc/hosts";

const HOST_IO: ProxyAddressIo = {
  resolve: resolveHost,
  hostsText: readHosts,
  asker: udpAsker,
  port: DNS_PORT,
  isOwn: isOwnAddress,
};

export class ProxyAddresses {
  readonly host: string;
  readonly #io: ProxyAddressIo;
  readonly #closing = new AbortController();
  #places: readonly ProxyPlace[];
  #questions: OutsideQuestions = { servers: [], mark: 0, outside: true };
  #lookedAt: number;
  #nextLook: number;
  #looking: Promise<boolean> | undefined;

  private constructor(
    host: string,
    places: readonly ProxyPlace[],
    now: number,
    io: ProxyAddressIo,
  ) {
    this.host = host;
    this.#places = places;
    this.#io = io;
    this.#lookedAt = now;
    this.#nextLook = parseAddress(host) === undefined ? now + LEAST_GAP_MS : Infinity;
  }

  /** To be called before anything is captured. Throws when the name has no address. */
  static async resolve(host: string, now: number, io = HOST_IO): Promise<ProxyAddresses> {
    const literal = parseAddress(host);
    const addresses = literal === undefined ? await resolveName(host, io) : [literal];
    return new ProxyAddresses(host, placesOf(addresses, io), now, io);
  }

  /** At least one, the best first. */
  get places(): readonly ProxyPlace[] {
    return this.#places;
  }

  /** Of it on other hosts. */
  get remote(): Address[] {
    return this.#of("remote");
  }

  /** Of it on this host. */
  get local(): Address[] {
    return this.#of("local");
  }

  get texts(): string[] {
    return this.#places.map(({ address }) => formatAddress(address));
  }

  /**
   * When `again` will look next; never for an address, unless the network changes, and never while a look
   * is under way.
   */
  get nextLook(): number {
    return this.#looking === undefined ? this.#nextLook : Infinity;
  }

  /** From now on `again` asks so; to be called again when the network has other servers. */
  askBy(questions: OutsideQuestions): void {
    this.#questions = questions;
  }

  /** The proxy did not answer: it may have moved. */
  failed(): void {
    if (parseAddress(this.host) === undefined) this.#lookSoon();
  }

  networkChanged(): void {
    this.#lookSoon();
  }

  /** Looks, when it is time and no look is under way; true when `places` changed. Does not reject. */
  async again(now: number): Promise<boolean> {
    if (now < this.#nextLook || this.#looking !== undefined) return false;
    this.#lookedAt = now;
    // What is said in the meantime (`failed`) brings it forward.
    this.#nextLook = Infinity;
    this.#looking = this.#look(now);
    try {
      return await this.#looking;
    } finally {
      this.#looking = undefined;
    }
  }

  /** Lets go of a look that is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#looking;
  }

  #of(wanted: ProxyPlace["kind"]): Address[] {
    return this.#places.filter(({ kind }) => kind === wanted).map(({ address }) => address);
  }

  #lookSoon(): void {
    this.#nextLook = Math.min(this.#nextLook, this.#lookedAt + LEAST_GAP_MS);
  }

  async #look(now: number): Promise<boolean> {
    const { addresses, gapMs } = await this.#find();
    this.#nextLook = Math.min(this.#nextLook, now + gapMs);
    if (this.#closing.signal.aborted) return false;
    const places = placesOf(addresses, this.#io);
    const changed = !samePlaces(places, this.#places);
    this.#places = places;
    return changed;
  }

  async #find(): Promise<{ addresses: readonly Address[]; gapMs: number }> {
    const known = this.#places.map(({ address }) => address);
    if (parseAddress(this.host) !== undefined) return { addresses: known, gapMs: Infinity };
    const name = this.host.toLowerCase().replace(/\.$/, "");
    const listed = addressesInHosts(await this.#io.hostsText(), name);
    if (listed.length > 0) return { addresses: inOrder(known, listed), gapMs: PLAIN_GAP_MS };
    if (isLocalhost(name)) return { addresses: known, gapMs: PLAIN_GAP_MS };
    const answers = await this.#ask(name);
    return { addresses: merge(known, answers), gapMs: gapOf(answers) };
  }

  #ask(name: string): Promise<NameAnswers> {
    const { servers, mark, outside } = this.#questions;
    const { port } = this.#io;
    const ends = servers.map(parseAddress).filter((address) => address !== undefined)
      .map((address) => ({ address, port }));
    return askForAddresses(name, ends, this.#io.asker(outside ? mark : 0), this.#closing.signal);
  }
}

async function resolveName(name: string, io: ProxyAddressIo): Promise<Address[]> {
  let cause: unknown;
  try {
    const addresses = await io.resolve(name);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    cause = error;
  }
  throw new UserError(`The proxy's name ${name} has no address`, {
    hint: `\`getent ahosts ${name}\` shows what this host finds; an address does as well as a name`,
    cause,
  });
}

function placesOf(addresses: readonly Address[], io: ProxyAddressIo): ProxyPlace[] {
  return addresses.map((address) => ({ address, kind: io.isOwn(address) ? "local" : "remote" }));
}

/** A family that nobody could say anything of keeps what it had; all do when nothing would be left. */
function merge(known: readonly Address[], answers: NameAnswers): readonly Address[] {
  const found = FAMILIES.flatMap((family) =>
    answers[family]?.addresses ?? known.filter((each) => each.length === sizeOf(family))
  );
  return found.length === 0 ? known : inOrder(known, found);
}

/** What is known comes first, as it stood: servers deal their addresses out in a new order each time. */
function inOrder(known: readonly Address[], found: readonly Address[]): Address[] {
  const ordered: Address[] = [];
  for (const address of [...known, ...found]) {
    if (isIn(found, address) && !isIn(ordered, address)) ordered.push(address);
  }
  return ordered;
}

function isIn(list: readonly Address[], address: Address): boolean {
  return list.some((each) => sameAddress(each, address));
}

function gapOf(answers: NameAnswers): number {
  const ttlMs = 1_000 * Math.min(...FAMILIES.map((family) => answers[family]?.ttl ?? Infinity));
  return ttlMs === Infinity ? PLAIN_GAP_MS : Math.max(LEAST_GAP_MS, ttlMs);
}

function samePlaces(a: readonly ProxyPlace[], b: readonly ProxyPlace[]): boolean {
  return a.length === b.length &&
    a.every(({ address, kind }, index) =>
      sameAddress(address, b[index]!.address) && kind === b[index]!.kind
    );
}

async function readHosts(): Promise<string> {
  try {
    return await Deno.readTextFile(HOSTS_FILE);
  } catch {
    // Not there, or not readable: then nothing is listed.
    return "";
  }
}
