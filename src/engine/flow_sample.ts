/** A flow as it entered the tunnel: for those who look whose it is. */

import type { Address } from "../addr/address.ts";
import type { TcpEndpoints } from "../stack/tcp/connection.ts";

export interface FlowEnd {
  readonly address: Address;
  readonly port: number;
}

export interface FlowSample {
  readonly protocol: "tcp";
  /** The program that has opened it. */
  readonly source: FlowEnd;
  readonly destination: FlowEnd;
}

/** For the stack it is the far end whose part it plays. */
export function flowSample(ends: TcpEndpoints): FlowSample {
  return {
    protocol: "tcp",
    source: { address: ends.remoteAddress, port: ends.remotePort },
    destination: { address: ends.localAddress, port: ends.localPort },
  };
}
