/**
 * One UDP association: the socket that the client sends to, and the sockets that the destinations see.
 *
 * Datagrams are taken from the client's address only, and from one port of it: the one that it announced,
 * else the one that it speaks from first. Replies are passed on from any remote, with their source
 * (endpoint-independent filtering, RFC 4787). The sockets towards IPv4 and IPv6 are made on first use.
 *
 * What cannot be passed on is dropped and counted: UDP promises nothing, and an error has nowhere to go.
 */

import type { Address } from "../addr/address.ts";
import type { Socks5ServerCounters } from "./counters.ts";
import type { DestinationMap } from "./destination_map.ts";
import type { NameCache } from "./name_cache.ts";

/** Datagrams of one association that wait for their names; beyond it they are dropped. */
export const MAX_RESOLVING = 32;

export interface UdpRelayOptions {
  /** The local address that the client's control connection came to, as a socket writes it. */
  readonly localHost: string;
  /** The client's address, as a socket writes it. */
  readonly clientHost: string;
  /** The port that the client announced; 0 when it does not know. */
  readonly clientPort: number;
  readonly names: NameCache;
  readonly destinations: DestinationMap | undefined;
  readonly counters: Socks5ServerCounters;
  /** Called when datagrams were passed on. */
  readonly touch: () => void;
}

export interface UdpRelay {
  /** BND.ADDR and BND.PORT: where the client sends its datagrams. */
  readonly address: Address;
  readonly port: number;
  /** Resolves when nothing of it is left. */
  close(): Promise<void>;
}
