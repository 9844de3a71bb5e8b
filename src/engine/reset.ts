/** Ends a connection of Deno's with a reset, where the system lets us; the caller closes it afterwards. */

import { DescriptorIndex, sendReset } from "../../ffi/tcp_socket_linux.ts";

export function resetConnection(connection: Deno.TcpConn): void {
  if (Deno.build.os !== "linux") return;
  try {
    const fd = new DescriptorIndex().find(connection);
    if (fd >= 0) sendReset(fd);
  } catch {
    // Closed already.
  }
}
