/**
 * The client's side of a SOCKS5 handshake, as a table of states without I/O.
 *
 *     start() ──> greeting ──method 0──────────────> request ──reply 0──> done
 *                    └──────method 2──> auth ──ok──────┘
 *     any state ──rubbish, refusal, closed()──> failed
 *
 * The driver writes what `start()` gives, feeds what it reads to `receive()`, and writes what
 * `takeOutput()` gives after each. Pipelined, everything is in the first write and the states only wait.
 */

import {
  AddressType,
  Command,
  MAX_MESSAGE,
  MAX_PASSWORD_REQUEST,
  messageLength,
  Method,
  methodReplyLength,
  MORE,
  passwordReplyLength,
  readAddress,
  readAddressType,
  readCode,
  readMethod,
  readPasswordStatus,
  readPort,
  Reply,
  replyName,
  RUBBISH,
  writeGreeting,
  writeMessage,
  writeNamedMessage,
  writePasswordRequest,
} from "../../wire/socks5.ts";

export type Socks5Command = "connect" | "associate";

export type Socks5Target =
  | { readonly kind: "ip"; readonly address: Uint8Array; readonly port: number }
  | { readonly kind: "name"; readonly name: string; readonly port: number };

export interface Socks5Credentials {
  readonly user: string;
  readonly password: string;
}

export type Socks5State = "greeting" | "auth" | "request" | "done" | "failed";

export interface Socks5Failure {
  readonly kind:
    | "rejected-method"
    | "password-needed"
    | "auth-failed"
    | "reply"
    | "protocol"
    | "closed";
  /** The method, the status or the reply code that the proxy sent; undefined where it sent none. */
  readonly code: number | undefined;
  readonly message: string;
}

export interface Socks5HandshakeOptions {
  readonly command: Socks5Command;
  /** For "associate": where our datagrams will come from; all zeros when not known. */
  readonly target: Socks5Target;
  readonly credentials?: Socks5Credentials | undefined;
  readonly pipelined: boolean;
  /** What this proxy chose before; undefined while not known. */
  readonly method: number | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** A greeting that offers every method that we know. */
const LONGEST_GREETING = 2 + 2;
/** Where messages are put together: room for all that goes out at once. */
const scratch = new Uint8Array(LONGEST_GREETING + MAX_PASSWORD_REQUEST + MAX_MESSAGE);

export class Socks5Handshake {
  readonly command: Socks5Command;
  /** Whether everything goes out at once: asked for, and the method could be known beforehand. */
  readonly pipelined: boolean;
  readonly #request: Uint8Array;
  readonly #password: Uint8Array | undefined;
  readonly #offered: readonly number[];
  #state: Socks5State = "greeting";
  #chosenMethod: number | undefined = undefined;
  #failure: Socks5Failure | undefined = undefined;
  #bound: Socks5Target | undefined = undefined;
  #output: Uint8Array | undefined = undefined;
  /** The beginning of a message whose end has not come; made only when a message comes in pieces. */
  #held: Uint8Array | undefined = undefined;
  #heldLength = 0;

  /** Throws a `RangeError` when a name, user or password does not fit its length byte. */
  constructor(options: Socks5HandshakeOptions) {
    const { command, target, credentials, pipelined, method } = options;
    this.command = command;
    this.#request = encodeRequest(command, target);
    this.#password = credentials === undefined ? undefined : encodePassword(credentials);
    this.#offered = offer(credentials !== undefined, pipelined, method);
    this.pipelined = pipelined && this.#offered.length === 1;
  }

  get state(): Socks5State {
    return this.#state;
  }

  /** What the proxy chose in this handshake; undefined until it did. */
  get chosenMethod(): number | undefined {
    return this.#chosenMethod;
  }

  get failure(): Socks5Failure | undefined {
    return this.#failure;
  }

  /** BND.ADDR and BND.PORT of a successful reply. */
  get bound(): Socks5Target | undefined {
    return this.#bound;
  }

  /** The proxy has read and answered the request itself, whatever it said. */
  get replied(): boolean {
    return this.#state === "done" || this.#failure?.kind === "reply";
  }

  /** What to write first. */
  start(): Uint8Array {
    let end = writeGreeting(scratch, 0, this.#offered);
    if (this.pipelined) {
      if (this.#offered[0] === Method.Password) end = append(this.#password!, end);
      end = append(this.#request, end);
    }
    return scratch.slice(0, end);
  }

  /**
   * Takes what was read, in any pieces. Returns how many bytes belonged to the handshake: after "done"
   * the rest is the far end's first payload.
   */
  receive(bytes: Uint8Array, at: number, end: number): number {
    let next = at;
    while (next < end && this.#state !== "done" && this.#state !== "failed") {
      next += this.#heldLength === 0
        ? this.#fromRead(bytes, next, end)
        : this.#fromHeld(bytes, next, end);
      // Nothing more can be an answer before what it answers is written: the password would be skipped.
      if (this.#output !== undefined && next < end) return next - at + this.#unasked(end - next);
    }
    return next - at;
  }

  /** What is to be written now, once. */
  takeOutput(): Uint8Array | undefined {
    const output = this.#output;
    this.#output = undefined;
    return output;
  }

  /** The proxy closed, or the connection broke. */
  closed(): void {
    if (this.#state === "done" || this.#state === "failed") return;
    this.#fail(
      "closed",
      undefined,
      `the proxy closed the connection during its ${this.#waitsFor()}`,
    );
  }

  /** A message that begins in this read: parsed where it lies if it is whole. */
  #fromRead(bytes: Uint8Array, at: number, end: number): number {
    const length = this.#messageLength(bytes, at, end);
    if (length === RUBBISH) return this.#rubbish(end - at);
    if (length === MORE) return this.#hold(bytes, at, end);
    this.#process(bytes, at);
    return length;
  }

  /** A message that began in an earlier read. */
  #fromHeld(bytes: Uint8Array, at: number, end: number): number {
    const before = this.#heldLength;
    const taken = this.#hold(bytes, at, end);
    const held = this.#held ??= new Uint8Array(MAX_MESSAGE);
    const length = this.#messageLength(held, 0, this.#heldLength);
    if (length === RUBBISH) return this.#rubbish(end - at);
    if (length === MORE) return taken;
    this.#heldLength = 0;
    this.#process(held, 0);
    return length - before;
  }

  #hold(bytes: Uint8Array, at: number, end: number): number {
    const held = this.#held ??= new Uint8Array(MAX_MESSAGE);
    const taken = Math.min(end - at, MAX_MESSAGE - this.#heldLength);
    held.set(bytes.subarray(at, at + taken), this.#heldLength);
    this.#heldLength += taken;
    return taken;
  }

  #messageLength(bytes: Uint8Array, at: number, end: number): number {
    switch (this.#state) {
      case "greeting":
        return methodReplyLength(bytes, at, end);
      case "auth":
        return passwordReplyLength(bytes, at, end);
      default:
        return messageLength(bytes, at, end);
    }
  }

  #process(bytes: Uint8Array, at: number): void {
    switch (this.#state) {
      case "greeting":
        return this.#processMethod(readMethod(bytes, at));
      case "auth":
        return this.#processPasswordStatus(readPasswordStatus(bytes, at));
      case "request":
        return this.#processReply(bytes, at);
      case "done":
      case "failed":
        return;
      default:
        this.#state satisfies never;
    }
  }

  #processMethod(method: number): void {
    this.#chosenMethod = method;
    // RFC 1928, 3: the server selects one of the methods that were offered, or none (255).
    if (!this.#offered.includes(method)) return this.#failMethod(method);
    if (method === Method.Password) {
      this.#state = "auth";
      if (!this.pipelined) this.#output = this.#password;
      return;
    }
    this.#expectReply();
  }

  #processPasswordStatus(status: number): void {
    if (status !== 0) {
      return this.#fail("auth-failed", status, "the proxy refused the user name or the password");
    }
    this.#expectReply();
  }

  #expectReply(): void {
    this.#state = "request";
    if (!this.pipelined) this.#output = this.#request;
  }

  #processReply(bytes: Uint8Array, at: number): void {
    const code = readCode(bytes, at);
    if (code !== Reply.Succeeded) {
      return this.#fail("reply", code, `the proxy answered: ${replyName(code)} (${code})`);
    }
    const address = readAddress(bytes, at);
    const port = readPort(bytes, at);
    this.#bound = readAddressType(bytes, at) === AddressType.Name
      ? { kind: "name", name: decoder.decode(address), port }
      : { kind: "ip", address, port };
    this.#state = "done";
  }

  #failMethod(method: number): void {
    if (method !== Method.NoneAcceptable) {
      return this.#fail(
        "protocol",
        method,
        `the proxy chose method ${method}, which was not offered`,
      );
    }
    if (this.#password === undefined) {
      return this.#fail("password-needed", method, "the proxy needs a user name and a password");
    }
    this.#fail("rejected-method", method, "the proxy accepts no method that was offered");
  }

  #unasked(length: number): number {
    this.#fail("protocol", undefined, "the proxy answered before it was asked");
    return length;
  }

  #rubbish(length: number): number {
    this.#fail("protocol", undefined, `the proxy's ${this.#waitsFor()} is not SOCKS5`);
    return length;
  }

  #waitsFor(): string {
    switch (this.#state) {
      case "greeting":
        return "method selection";
      case "auth":
        return "password reply";
      default:
        return "reply";
    }
  }

  #fail(kind: Socks5Failure["kind"], code: number | undefined, message: string): void {
    this.#failure = { kind, code, message };
    this.#state = "failed";
    this.#output = undefined;
  }
}

/**
 * Which methods to offer. One that is certain lets everything go out at once; without a password there is
 * nothing to choose, with one the proxy has to have chosen before.
 */
function offer(
  hasPassword: boolean,
  pipelined: boolean,
  method: number | undefined,
): readonly number[] {
  if (!hasPassword) return [Method.None];
  if (pipelined && (method === Method.None || method === Method.Password)) return [method];
  return [Method.None, Method.Password];
}

function encodeRequest(command: Socks5Command, target: Socks5Target): Uint8Array {
  const code = command === "connect" ? Command.Connect : Command.Associate;
  const length = target.kind === "ip"
    ? writeMessage(scratch, 0, code, checkAddress(target.address), target.port)
    : writeNamedMessage(scratch, 0, code, encodeText("host name", target.name), target.port);
  return scratch.slice(0, length);
}

function encodePassword(credentials: Socks5Credentials): Uint8Array {
  const bytes = new Uint8Array(MAX_PASSWORD_REQUEST);
  const user = encodeText("user name", credentials.user);
  // RFC 1929 wants at least one byte; proxies whose password is empty exist, and take none.
  const password = credentials.password === ""
    ? new Uint8Array(0)
    : encodeText("password", credentials.password);
  return bytes.slice(0, writePasswordRequest(bytes, 0, user, password));
}

function checkAddress(address: Uint8Array): Uint8Array {
  if (address.length === 4 || address.length === 16) return address;
  throw new RangeError(`Cannot ask for an address of ${address.length} bytes`);
}

function encodeText(what: string, text: string): Uint8Array {
  const bytes = encoder.encode(text);
  if (bytes.length >= 1 && bytes.length <= 255) return bytes;
  throw new RangeError(`Cannot send a ${what} of ${bytes.length} bytes: SOCKS5 takes 1 to 255`);
}

/** Puts `bytes` behind what stands in the scratch; where they end. */
function append(bytes: Uint8Array, at: number): number {
  scratch.set(bytes, at);
  return at + bytes.length;
}
