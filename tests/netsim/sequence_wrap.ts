/** Sets a host's clock so that a connection's sequence numbers begin where the test wants them. */

import { FlowTable } from "../../src/stack/flow_table.ts";
import { SipHash } from "../../src/stack/siphash.ts";
import type { TcpEndpoints } from "../../src/stack/tcp/connection.ts";
import type { Host } from "./host.ts";

/** RFC 6528: M ticks every 4 microseconds, F hashes the endpoints with a secret. */
const TICKS_PER_MS = 250;

/** A connection that `host` makes for `endpoints` at the virtual time `at` begins at `iss`. */
export function beginAt(host: Host, endpoints: TcpEndpoints, iss: number, at: number): void {
  const { localAddress, localPort, remoteAddress, remotePort } = endpoints;
  const hash = new SipHash(host.secret.subarray(8, 16));
  const table = new FlowTable(hash);
  const length = localAddress.length;
  const both = new Uint8Array([...localAddress, ...remoteAddress]);
  table.setKey(both, 0, length, length, (localPort << 16) | remotePort, 0);
  const ticks = (iss - hash.words(table.key, 0, table.key.length)) >>> 0;
  host.clockOffset = ticks / TICKS_PER_MS - at;
}
