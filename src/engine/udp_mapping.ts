/** A local UDP port in use: who it is, which association it sends through, and until when it is kept. */

import type { Address } from "../addr/address.ts";
import type { RecencyNode } from "../stack/recency.ts";
import type { Timed } from "../stack/timer_heap.ts";
import type { Association } from "./association.ts";

export class UdpMapping implements RecencyNode, Timed {
  /** Never given twice: what asks about it later can tell it from a successor. */
  readonly id: number;
  readonly address: Address;
  readonly port: number;
  association: Association | undefined = undefined;
  /** Datagrams in each direction; one question and one answer are an exchange, and soon over. */
  sent = 0;
  received = 0;
  /** Remote endpoints that this mapping has claimed on a shared association. */
  claims = 0;

  deadline = Infinity;
  heapTime = 0;
  heapIndex = -1;
  newer: RecencyNode | undefined = undefined;
  older: RecencyNode | undefined = undefined;

  constructor(id: number, address: Address, port: number) {
    this.id = id;
    this.address = address;
    this.port = port;
  }
}
