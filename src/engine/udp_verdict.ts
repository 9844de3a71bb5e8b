/**
 * Whether the proxy really relays UDP: asked at start, when the proxy has come back, and again from time
 * to time while the answer is no.
 *
 * A reply to ASSOCIATE proves little. So a datagram is sent through: to a socket of our own, which any
 * relay on this host or network reaches, and as a DNS query to the servers that are configured. What
 * comes back first decides; silence means no.
 */

import { parseAddress } from "../addr/address.ts";
import { set16 } from "../bytes.ts";
import { SipHash } from "../stack/siphash.ts";
import { FLAG_RECURSION_DESIRED } from "../wire/dns.ts";
import { udpHeaderLength, writeUdpHeader } from "../wire/socks5.ts";
import { Association, type AssociationEvents } from "./association.ts";
import type { EngineContext } from "./context.ts";
import type { Failed } from "./dial.ts";
import type { PathChange } from "./proxy_path.ts";

/** How long an answer may take, and how often the question is put meanwhile. */
const PATIENCE = 2_000;
const ATTEMPTS = 4;
/** While the answer is no: not sooner than this, and only when somebody wants UDP. */
const ASK_AGAIN = 30_000;
const TOKEN = 16;

export class UdpVerdict {
  readonly #context: EngineContext;
  #probing: Promise<void> | undefined;
  #probe: Probe | undefined;
  #probedAt = -Infinity;
  #said = "";
  #stopped = false;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  get state(): "off" | "unknown" | "relays" | "no" {
    return this.#context.settings.udp === "off" ? "off" : this.#context.dialer.capability.udp;
  }

  /** Whether a datagram may be given to an association. */
  mayRelay(): boolean {
    const state = this.state;
    if (state === "no" && this.#context.now() - this.#probedAt > ASK_AGAIN) void this.probe();
    return state === "relays" || state === "unknown";
  }

  /** Finds out anew; at most once at a time. */
  probe(): Promise<void> {
    if (this.state === "off" || this.#stopped) return Promise.resolve();
    this.#probing ??= this.#findOut().finally(() => this.#probing = undefined);
    return this.#probing;
  }

  /** The proxy or this host has moved: an answer from before is worth nothing. */
  follow(change: PathChange): void {
    if (change.proxyMoved || (change.moved && this.#probe !== undefined)) void this.#askAnew();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#probe?.cancel();
    await this.#probing;
  }

  /** An association for traffic could not be opened: the proxy may have changed its mind. */
  associationFailed(failure: Failed): void {
    if (this.state === "no") this.#say(`does not relay UDP (${failure.message})`);
  }

  async #askAnew(): Promise<void> {
    this.#probe?.cancel();
    await this.#probing;
    await this.probe();
  }

  async #findOut(): Promise<void> {
    this.#probedAt = this.#context.now();
    const probe = new Probe(this.#context);
    this.#probe = probe;
    const answered = await probe.run();
    this.#probe = undefined;
    if (this.#stopped) return;
    const { capability } = this.#context.dialer;
    if (answered !== undefined) capability.udpTested(answered);
    if (capability.udp === "relays") this.#say("relays UDP");
    else if (capability.udp === "no") this.#say(`does not relay UDP (${probe.reason})`);
  }

  /** One line, when the answer is another than before. */
  #say(verdict: string): void {
    if (this.#said === verdict) return;
    this.#said = verdict;
    const consequence = verdict === "relays UDP"
      ? ""
      : ": DNS goes over TCP, other UDP is refused at once";
    this.#context.log.info("The proxy {verdict}{consequence}", { verdict, consequence });
  }
}

/**
 * Below those that systems give to clients: where the host's traffic is captured, an answer from a port of
 * a server stays outside, as that of any other server.
 */
const ECHO_PORTS = { first: 20_000, count: 10_000 };
const ECHO_ATTEMPTS = 5;

/** One round of questions over one association. */
class Probe implements AssociationEvents {
  reason = "it took the request, but no datagram came back";
  readonly #context: EngineContext;
  readonly #token = crypto.getRandomValues(new Uint8Array(TOKEN));
  readonly #association: Association;
  #opened: (open: boolean) => void = () => {};
  #answered: (yes: boolean) => void = () => {};
  #cancelled = false;

  constructor(context: EngineContext) {
    this.#context = context;
    this.#association = new Association(context, this, new SipHash(this.#token), false);
  }

  /** True or false as it was seen; undefined when the proxy could not be asked. */
  async run(): Promise<boolean | undefined> {
    const releaseEventLoop = this.#context.driver.holdEventLoop();
    try {
      const answered = await this.#open() ? await this.#askThrough(this.#association) : undefined;
      return this.#cancelled ? undefined : answered;
    } finally {
      releaseEventLoop();
    }
  }

  /** Nobody wants to know any more; `run` settles. */
  cancel(): void {
    this.#cancelled = true;
    this.#association.close();
    this.#opened(false);
    this.#answered(false);
  }

  opened(): void {
    this.#opened(true);
  }

  datagram(): void {
    this.#answered(true);
  }

  failed(_association: Association, failure: Failed): void {
    this.reason = failure.message;
    this.#opened(false);
  }

  lost(): void {
    this.reason = "it closed the association at once";
    this.#answered(false);
  }

  #open(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#opened = resolve;
      this.#association.open();
    });
  }

  async #askThrough(association: Association): Promise<boolean> {
    const echo = openEcho(association.localHost ?? "127.0.0.1");
    try {
      return await this.#ask(association, echo?.addr);
    } finally {
      association.close();
      echo?.close();
      await echo?.done;
    }
  }

  async #ask(association: Association, echo: Deno.NetAddr | undefined): Promise<boolean> {
    let answered: boolean | undefined;
    const answer = new Promise<void>((resolve) => {
      this.#answered = (yes) => {
        answered ??= yes;
        resolve();
      };
    });
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (association.state !== "open") return false;
      if (echo !== undefined) this.#send(association, echo.hostname, echo.port, this.#token);
      for (const server of this.#context.settings.dns.servers) {
        this.#send(association, server, 53, rootQuery(this.#token));
      }
      await this.#within(answer, PATIENCE / ATTEMPTS);
      if (answered !== undefined) return answered;
    }
    return false;
  }

  /** Waits for `event`, but no longer than so long. */
  async #within(event: Promise<void>, milliseconds: number): Promise<void> {
    let over = () => {};
    const limit = new Promise<void>((resolve) => over = resolve);
    const alarm = this.#context.after(milliseconds, over);
    await Promise.race([event, limit]);
    alarm.cancel();
  }

  #send(association: Association, host: string, port: number, payload: Uint8Array): void {
    const address = parseAddress(host);
    const { arena } = this.#context;
    const slot = address === undefined ? -1 : arena.takeSmall();
    if (address === undefined || slot < 0) return;
    const at = slot + udpHeaderLength(address.length);
    arena.bytes.set(payload, at);
    writeUdpHeader(arena.bytes, slot, address, 0, address.length, port);
    association.send(slot, at + payload.length);
    arena.release(slot);
  }
}

interface Echo {
  readonly addr: Deno.NetAddr;
  readonly done: Promise<void>;
  close(): void;
}

/** A socket of our own that sends back what it gets; undefined when there is no such address. */
function openEcho(hostname: string): Echo | undefined {
  for (let attempt = 0; attempt < ECHO_ATTEMPTS; attempt++) {
    const port = ECHO_PORTS.first + Math.floor(Math.random() * ECHO_PORTS.count);
    try {
      const socket = Deno.listenDatagram({ transport: "udp", hostname, port });
      return { addr: socket.addr as Deno.NetAddr, done: echo(socket), close: () => socket.close() };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) return undefined;
    }
  }
  return undefined;
}

async function echo(socket: Deno.DatagramConn): Promise<void> {
  try {
    for await (const [bytes, from] of socket) await socket.send(bytes, from);
  } catch {
    // Closed while sending.
  }
}

/** "What are the root servers?": every resolver knows, none has to ask. */
function rootQuery(token: Uint8Array): Uint8Array {
  const query = new Uint8Array(17);
  query.set(token.subarray(0, 2));
  set16(query, 2, FLAG_RECURSION_DESIRED);
  set16(query, 4, 1);
  set16(query, 13, 2);
  set16(query, 15, 1);
  return query;
}
