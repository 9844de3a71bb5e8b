/** `struct sockaddr_in` and `sockaddr_in6`: an address and a port as the kernel takes and gives them. */

import { get16, get16le, set16, set16le, set32le } from "../src/bytes.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;
/** Room for either. */
export const SOCKET_ADDRESS = 28;

const PORT = 2;
const IPV4 = 4;
const IPV6 = 8;

/** Writes one to `bytes`, from an address that lies anywhere; how long it is. */
export function writeSocketAddress(
  bytes: Uint8Array,
  at: number,
  address: Uint8Array,
  addressAt: number,
  addressLength: number,
  port: number,
): number {
  const ipv4 = addressLength === 4;
  set16le(bytes, at, ipv4 ? AF_INET : AF_INET6);
  set16(bytes, at + PORT, port);
  set32le(bytes, at + 4, 0);
  const to = at + (ipv4 ? IPV4 : IPV6);
  for (let i = 0; i < addressLength; i++) bytes[to + i] = address[addressAt + i]!;
  // The rest of the one, the scope of the other.
  bytes.fill(0, to + addressLength, at + (ipv4 ? 16 : 28));
  return ipv4 ? 16 : 28;
}

/** The address and the port that stand at `at`; undefined for another family. */
export function readSocketAddress(
  bytes: Uint8Array,
  at: number,
): { address: Uint8Array; port: number } | undefined {
  const family = get16le(bytes, at);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const from = at + (family === AF_INET ? IPV4 : IPV6);
  const address = bytes.slice(from, from + (family === AF_INET ? 4 : 16));
  return { address, port: get16(bytes, at + PORT) };
}
