/**
 * SOCKS5 (RFC 1928) and its user/password method (RFC 1929): every byte layout, both sides.
 *
 * Messages come over TCP in any pieces, so each has a `…Length(bytes, at, end)`: the message's whole
 * length once it is all there, `MORE` while it is not, `RUBBISH` as soon as it cannot become one. After a
 * positive length the readers cannot fail. Writers return the number of bytes written.
 *
 *     greeting          VER=5 NMETHODS METHODS…        method reply      VER=5 METHOD
 *     password request  VER=1 ULEN USER PLEN PASS      password reply    VER=1 STATUS
 *     request           VER=5 CMD RSV=0 ATYP ADDR PORT reply             VER=5 REP RSV=0 ATYP ADDR PORT
 *     datagram          RSV=0,0 FRAG ATYP ADDR PORT DATA…
 */

import { get16, get8, set16 } from "../bytes.ts";

export const SOCKS_VERSION = 5;
export const PASSWORD_VERSION = 1;

export const Method = { None: 0, GssApi: 1, Password: 2, NoneAcceptable: 0xff } as const;

export const Command = { Connect: 1, Bind: 2, Associate: 3 } as const;

export const AddressType = { Ipv4: 1, Name: 3, Ipv6: 4 } as const;

export const Reply = {
  Succeeded: 0,
  GeneralFailure: 1,
  NotAllowed: 2,
  NetworkUnreachable: 3,
  HostUnreachable: 4,
  ConnectionRefused: 5,
  TtlExpired: 6,
  CommandNotSupported: 7,
  AddressTypeNotSupported: 8,
} as const;

const REPLY_NAMES: readonly string[] = [
  "succeeded",
  "general failure",
  "not allowed by the ruleset",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "timed out",
  "command not supported",
  "address type not supported",
];

/** What a length function says when the message may become whole with more bytes. */
export const MORE = 0;
/** What a length function says when no further bytes can make this a message. */
export const RUBBISH = -1;

/** Requests and replies: VER, CMD, RSV, ATYP, then a name of 255 bytes with its length, then the port. */
export const MAX_MESSAGE = 4 + 1 + 255 + 2;
/** A user and a password of 255 bytes each. */
export const MAX_PASSWORD_REQUEST = 3 + 255 + 255;

const OFFSET_CODE = 1;
const OFFSET_RESERVED = 2;
const OFFSET_ADDRESS_TYPE = 3;
const OFFSET_ADDRESS = 4;

/** The RFC's words for a reply code. */
export function replyName(code: number): string {
  return REPLY_NAMES[code] ?? `unassigned reply ${code}`;
}

// ---- greeting and method ----

export function greetingLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 1) return MORE;
  if (get8(bytes, at) !== SOCKS_VERSION) return RUBBISH;
  if (end - at < 2) return MORE;
  const methods = get8(bytes, at + 1);
  if (methods === 0) return RUBBISH;
  return end - at < 2 + methods ? MORE : 2 + methods;
}

export function greetingOffers(bytes: Uint8Array, at: number, method: number): boolean {
  const end = at + 2 + get8(bytes, at + 1);
  for (let i = at + 2; i < end; i++) if (get8(bytes, i) === method) return true;
  return false;
}

export function writeGreeting(bytes: Uint8Array, at: number, methods: readonly number[]): number {
  bytes[at] = SOCKS_VERSION;
  bytes[at + 1] = methods.length;
  bytes.set(methods, at + 2);
  return 2 + methods.length;
}

export function methodReplyLength(bytes: Uint8Array, at: number, end: number): number {
  return pairLength(bytes, at, end, SOCKS_VERSION);
}

export function readMethod(bytes: Uint8Array, at: number): number {
  return get8(bytes, at + OFFSET_CODE);
}

export function writeMethodReply(bytes: Uint8Array, at: number, method: number): number {
  bytes[at] = SOCKS_VERSION;
  bytes[at + OFFSET_CODE] = method;
  return 2;
}

// ---- user and password ----

export function passwordRequestLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 1) return MORE;
  if (get8(bytes, at) !== PASSWORD_VERSION) return RUBBISH;
  if (end - at < 2) return MORE;
  const passwordAt = at + 2 + get8(bytes, at + 1);
  if (end < passwordAt + 1) return MORE;
  const length = passwordAt + 1 + get8(bytes, passwordAt) - at;
  return end - at < length ? MORE : length;
}

export function readUser(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.slice(at + 2, at + 2 + get8(bytes, at + 1));
}

export function readPassword(bytes: Uint8Array, at: number): Uint8Array {
  const passwordAt = at + 2 + get8(bytes, at + 1);
  return bytes.slice(passwordAt + 1, passwordAt + 1 + get8(bytes, passwordAt));
}

/** User and password are at most 255 bytes each; the caller has checked that. */
export function writePasswordRequest(
  bytes: Uint8Array,
  at: number,
  user: Uint8Array,
  password: Uint8Array,
): number {
  bytes[at] = PASSWORD_VERSION;
  bytes[at + 1] = user.length;
  bytes.set(user, at + 2);
  bytes[at + 2 + user.length] = password.length;
  bytes.set(password, at + 3 + user.length);
  return 3 + user.length + password.length;
}

export function passwordReplyLength(bytes: Uint8Array, at: number, end: number): number {
  return pairLength(bytes, at, end, PASSWORD_VERSION);
}

/** Zero is success. */
export function readPasswordStatus(bytes: Uint8Array, at: number): number {
  return get8(bytes, at + OFFSET_CODE);
}

export function writePasswordReply(bytes: Uint8Array, at: number, status: number): number {
  bytes[at] = PASSWORD_VERSION;
  bytes[at + OFFSET_CODE] = status;
  return 2;
}

// ---- request and reply: one layout, the second byte is a command or a reply code ----

/**
 * The length of a request or a reply. An address type that the RFC does not know has no length: a
 * server answers it with code 8, so it needs `hasUnknownAddressType` before it gives up.
 */
export function messageLength(bytes: Uint8Array, at: number, end: number): number {
  const have = end - at;
  if (have < 1) return MORE;
  if (get8(bytes, at) !== SOCKS_VERSION) return RUBBISH;
  if (have <= OFFSET_RESERVED) return MORE;
  if (get8(bytes, at + OFFSET_RESERVED) !== 0) return RUBBISH;
  if (have <= OFFSET_ADDRESS) return hasUnknownAddressType(bytes, at, end) ? RUBBISH : MORE;
  const address = encodedAddressLength(bytes, at + OFFSET_ADDRESS_TYPE);
  if (address === RUBBISH) return RUBBISH;
  const length = OFFSET_ADDRESS + address + 2;
  return have < length ? MORE : length;
}

/** True once the four fixed bytes are there, well formed but for the address type. */
export function hasUnknownAddressType(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < OFFSET_ADDRESS || get8(bytes, at) !== SOCKS_VERSION) return false;
  const type = get8(bytes, at + OFFSET_ADDRESS_TYPE);
  return get8(bytes, at + OFFSET_RESERVED) === 0 && type !== AddressType.Ipv4 &&
    type !== AddressType.Name && type !== AddressType.Ipv6;
}

/** The command of a request, the code of a reply. */
export function readCode(bytes: Uint8Array, at: number): number {
  return get8(bytes, at + OFFSET_CODE);
}

export function readAddressType(bytes: Uint8Array, at: number): number {
  return get8(bytes, at + OFFSET_ADDRESS_TYPE);
}

/** A copy of the address, or of the bytes of the name. */
export function readAddress(bytes: Uint8Array, at: number): Uint8Array {
  const length = encodedAddressLength(bytes, at + OFFSET_ADDRESS_TYPE);
  const named = readAddressType(bytes, at) === AddressType.Name ? 1 : 0;
  return bytes.slice(at + OFFSET_ADDRESS + named, at + OFFSET_ADDRESS + length);
}

export function readPort(bytes: Uint8Array, at: number): number {
  return get16(
    bytes,
    at + OFFSET_ADDRESS + encodedAddressLength(bytes, at + OFFSET_ADDRESS_TYPE),
  );
}

/** A request or reply with an address of 4 or 16 bytes. */
export function writeMessage(
  bytes: Uint8Array,
  at: number,
  code: number,
  address: Uint8Array,
  port: number,
): number {
  writeFixed(bytes, at, code, address.length === 4 ? AddressType.Ipv4 : AddressType.Ipv6);
  bytes.set(address, at + OFFSET_ADDRESS);
  set16(bytes, at + OFFSET_ADDRESS + address.length, port);
  return OFFSET_ADDRESS + address.length + 2;
}

/** A request or reply with a name; it is at most 255 bytes, the caller has checked that. */
export function writeNamedMessage(
  bytes: Uint8Array,
  at: number,
  code: number,
  name: Uint8Array,
  port: number,
): number {
  writeFixed(bytes, at, code, AddressType.Name);
  bytes[at + OFFSET_ADDRESS] = name.length;
  bytes.set(name, at + OFFSET_ADDRESS + 1);
  set16(bytes, at + OFFSET_ADDRESS + 1 + name.length, port);
  return OFFSET_ADDRESS + 1 + name.length + 2;
}

// ---- datagrams: nothing here allocates ----

/** What `readUdpHeader` found; one object is reused for every datagram. */
export interface UdpHeader {
  /** Not zero: one of several fragments, which neither side of ztun puts together. */
  frag: number;
  addressType: number;
  /** Where the address, or the first byte of the name, lies. */
  addressAt: number;
  addressLength: number;
  port: number;
  payloadAt: number;
}

export function newUdpHeader(): UdpHeader {
  return { frag: 0, addressType: 0, addressAt: 0, addressLength: 0, port: 0, payloadAt: 0 };
}

export function udpHeaderLength(addressLength: number): number {
  return OFFSET_ADDRESS + addressLength + 2;
}

/**
 * Writes the header of a datagram with an address of 4 or 16 bytes. It is shorter than the IP and UDP
 * headers that it replaces: at `payloadAt - udpHeaderLength(…)` it ends right before the payload.
 * The address may lie in the very bytes that are overwritten.
 */
export function writeUdpHeader(
  bytes: Uint8Array,
  at: number,
  address: Uint8Array,
  addressAt: number,
  addressLength: number,
  port: number,
): number {
  const to = at + OFFSET_ADDRESS;
  // Moved before the fixed bytes are written, which might cover it.
  if (address === bytes) bytes.copyWithin(to, addressAt, addressAt + addressLength);
  else for (let i = 0; i < addressLength; i++) bytes[to + i] = get8(address, addressAt + i);
  bytes[at] = 0;
  bytes[at + 1] = 0;
  bytes[at + 2] = 0;
  bytes[at + OFFSET_ADDRESS_TYPE] = addressLength === 4 ? AddressType.Ipv4 : AddressType.Ipv6;
  set16(bytes, to + addressLength, port);
  return OFFSET_ADDRESS + addressLength + 2;
}

/** False when malformed. The reserved bytes are not looked at: sloppy relays leave anything there. */
export function readUdpHeader(
  bytes: Uint8Array,
  at: number,
  end: number,
  into: UdpHeader,
): boolean {
  if (end - at <= OFFSET_ADDRESS) return false;
  const encoded = encodedAddressLength(bytes, at + OFFSET_ADDRESS_TYPE);
  if (encoded === RUBBISH) return false;
  const payloadAt = at + OFFSET_ADDRESS + encoded + 2;
  if (payloadAt > end) return false;
  const named = get8(bytes, at + OFFSET_ADDRESS_TYPE) === AddressType.Name ? 1 : 0;
  if (encoded === named) return false;
  into.frag = get8(bytes, at + 2);
  into.addressType = get8(bytes, at + OFFSET_ADDRESS_TYPE);
  into.addressAt = at + OFFSET_ADDRESS + named;
  into.addressLength = encoded - named;
  into.port = get16(bytes, payloadAt - 2);
  into.payloadAt = payloadAt;
  return true;
}

// ---- shared ----

function pairLength(bytes: Uint8Array, at: number, end: number, version: number): number {
  if (end - at < 1) return MORE;
  if (get8(bytes, at) !== version) return RUBBISH;
  return end - at < 2 ? MORE : 2;
}

function writeFixed(bytes: Uint8Array, at: number, code: number, addressType: number): void {
  bytes[at] = SOCKS_VERSION;
  bytes[at + OFFSET_CODE] = code;
  bytes[at + OFFSET_RESERVED] = 0;
  bytes[at + OFFSET_ADDRESS_TYPE] = addressType;
}

/** Bytes between the address type and the port; the byte after the type is there. */
function encodedAddressLength(bytes: Uint8Array, typeAt: number): number {
  switch (get8(bytes, typeAt)) {
    case AddressType.Ipv4:
      return 4;
    case AddressType.Ipv6:
      return 16;
    case AddressType.Name:
      return 1 + get8(bytes, typeAt + 1);
    default:
      return RUBBISH;
  }
}
