/** Which tables the kernel's firewall has at this moment. */

import { SysError } from "../../ffi/libc.ts";
import { NftablesSocket } from "../../ffi/nftables_linux.ts";

/** None where they cannot be seen: without privileges, or in a kernel without nftables. */
export function firewallTables(): string[] {
  const socket = openSocket();
  try {
    return socket?.tableNames() ?? [];
  } catch (error) {
    if (error instanceof SysError) return [];
    throw error;
  } finally {
    socket?.close();
  }
}

function openSocket(): NftablesSocket | undefined {
  try {
    return new NftablesSocket();
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}
