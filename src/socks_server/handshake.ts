/**
 * The server's side of the handshake: greeting, password, request; up to the decision what to do.
 *
 * Nothing is refused in here: the caller gets the bytes that say why, because it must tell them and then
 * wait for the client to close.
 */

import { formatAddress } from "../addr/address.ts";
import { isHostName } from "../addr/endpoint.ts";
import {
  AddressType,
  greetingLength,
  greetingOffers,
  hasUnknownAddressType,
  MAX_MESSAGE,
  messageLength,
  Method,
  passwordRequestLength,
  readAddress,
  readAddressType,
  readCode,
  readPassword,
  readPort,
  readUser,
  Reply,
  writeMessage,
  writeMethodReply,
  writePasswordReply,
} from "../wire/socks5.ts";
import type { CredentialCheck } from "./credentials.ts";
import type { DestinationMap } from "./destination_map.ts";
import type { MessageReader } from "./message_reader.ts";

export interface Destination {
  readonly hostname: string;
  readonly port: number;
  readonly named: boolean;
}

export interface Request {
  readonly kind: "request";
  readonly command: number;
  /** Undefined when the name cannot be one. */
  readonly destination: Destination | undefined;
  /** DST.PORT as it was sent: for ASSOCIATE, where the client will send from. */
  readonly port: number;
}

export interface Refusal {
  readonly kind: "refusal";
  readonly reason: "malformed" | "auth";
  /** What to answer; empty for a client that does not speak SOCKS5. */
  readonly answer: Uint8Array;
}

export interface HandshakeOptions {
  readonly reader: MessageReader;
  readonly tell: (bytes: Uint8Array) => Promise<void>;
  readonly credentials: CredentialCheck | undefined;
  readonly destinations: DestinationMap | undefined;
}

const UNSPECIFIED = new Uint8Array(4);
const MALFORMED: Refusal = { kind: "refusal", reason: "malformed", answer: new Uint8Array(0) };
const decoder = new TextDecoder();

/** Rejects when the connection fails. */
export async function readRequest(options: HandshakeOptions): Promise<Request | Refusal> {
  const { reader, credentials, destinations } = options;
  const refusal = await authenticate(options, credentials);
  if (refusal !== undefined) return refusal;
  if (await reader.next(messageLength)) return requestOf(reader.bytes, destinations);
  if (!reader.holds(hasUnknownAddressType)) return MALFORMED;
  return { ...MALFORMED, answer: reply(Reply.AddressTypeNotSupported) };
}

/** A reply; with the unspecified address where there is none to tell. */
export function reply(code: number, address: Uint8Array = UNSPECIFIED, port = 0): Uint8Array {
  const bytes = new Uint8Array(MAX_MESSAGE);
  return bytes.subarray(0, writeMessage(bytes, 0, code, address, port));
}

async function authenticate(
  { reader, tell }: HandshakeOptions,
  credentials: CredentialCheck | undefined,
): Promise<Refusal | undefined> {
  if (!await reader.next(greetingLength)) return MALFORMED;
  const method = credentials === undefined ? Method.None : Method.Password;
  const answer = new Uint8Array(2);
  const offered = greetingOffers(reader.bytes, 0, method);
  writeMethodReply(answer, 0, offered ? method : Method.NoneAcceptable);
  if (!offered) return { kind: "refusal", reason: "auth", answer };
  await tell(answer);
  if (credentials === undefined) return undefined;

  if (!await reader.next(passwordRequestLength)) return MALFORMED;
  const { bytes } = reader;
  const accepted = credentials.accepts(readUser(bytes, 0), readPassword(bytes, 0));
  writePasswordReply(answer, 0, accepted ? 0 : 1);
  if (!accepted) return { kind: "refusal", reason: "auth", answer };
  await tell(answer);
  return undefined;
}

function requestOf(message: Uint8Array, destinations: DestinationMap | undefined): Request {
  return {
    kind: "request",
    command: readCode(message, 0),
    destination: destinationOf(message, destinations),
    port: readPort(message, 0),
  };
}

function destinationOf(
  message: Uint8Array,
  destinations: DestinationMap | undefined,
): Destination | undefined {
  const address = readAddress(message, 0);
  const port = readPort(message, 0);
  if (readAddressType(message, 0) !== AddressType.Name) {
    const real = destinations?.real({ address, port }) ?? { address, port };
    return { hostname: formatAddress(real.address), port: real.port, named: false };
  }
  // An address may be written as a name: IPv4 passes as one of digits and dots, IPv6 has colons.
  const hostname = decoder.decode(address);
  if (!isHostName(hostname) && !/^[0-9a-f.:]+$/i.test(hostname)) return undefined;
  return { hostname, port, named: true };
}
