/** Where the stack's packets go, and the memory they lie in. Implemented by the links. */

import type { Arena } from "./arena.ts";

/** virtio header, IP header and a TCP header with every option: the most that is ever written. */
export const HEADER_ROOM = 10 + 40 + 60;

export interface PacketOutput {
  readonly arena: Arena;
  /** The largest IP packet that goes out whole. */
  readonly mtu: number;
  /** True when packets begin with a virtio header in both directions: then TCP segments may be large. */
  readonly vnet: boolean;
  /** True when datagrams may be large, too: the link cuts them up. */
  readonly udpSegments: boolean;
  /** A place in the arena for the next packet's header, `HEADER_ROOM` long. */
  headerAt(): number;
  /**
   * Sends one packet: `[headerAt, headerEnd)` and then `[payloadAt, payloadEnd)`, which may be empty.
   * False when the link could not take it; whoever sent it counts on retransmission, or loses it.
   */
  send(headerAt: number, headerEnd: number, payloadAt: number, payloadEnd: number): boolean;
}
