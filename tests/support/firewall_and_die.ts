/** Makes the firewall that its argument describes, and dies as nobody can prevent. */

import { NftablesSocket } from "../../ffi/nftables_linux.ts";
import type { KernelTable } from "../../ffi/nftables_table_linux.ts";

/** Octets have no form of their own in JSON. */
export function encodeTable(table: KernelTable): string {
  return JSON.stringify(
    table,
    (_, value) => value instanceof Uint8Array ? { octets: [...value] } : value,
  );
}

function decodeTable(text: string): KernelTable {
  return JSON.parse(
    text,
    (_, value) => Array.isArray(value?.octets) ? Uint8Array.from(value.octets) : value,
  );
}

if (import.meta.main) {
  new NftablesSocket().replaceTables([decodeTable(Deno.args[0]!)]);
  Deno.kill(Deno.pid, "SIGKILL");
}
