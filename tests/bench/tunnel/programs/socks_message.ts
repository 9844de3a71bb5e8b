/** What a client says to a SOCKS5 proxy (RFC 1928), for IPv4 and without a password. */

import { type Endpoint, octets } from "./endpoint.ts";

export const GREETING = Uint8Array.of(5, 1, 0);
export const GREETING_REPLY = 2;
/** The length of a reply with an IPv4 address, which the proxies here give. */
export const REPLY = 10;
export const CONNECT = 1;
export const UDP_ASSOCIATE = 3;

const IPV4 = 1;

export function request(command: number, { host, port }: Endpoint): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(5, command, 0, IPV4, ...octets(host), port >> 8, port & 0xff);
}

/** Stands in front of each datagram. */
export function udpHeader({ host, port }: Endpoint): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0, 0, 0, IPV4, ...octets(host), port >> 8, port & 0xff);
}

/** The bound address of a reply; throws when the reply is another than success. */
export function boundAddress(reply: Uint8Array): Endpoint {
  if (reply[1] !== 0 || reply[3] !== IPV4) {
    throw new Error(`The proxy answers with status ${reply[1]}, address type ${reply[3]}`);
  }
  return { host: reply.subarray(4, 8).join("."), port: reply[8]! << 8 | reply[9]! };
}
