/** By which ports this host is being used from outside, as far as its sockets say. */

import {
  type InetSocket,
  SockDiag,
  TCP_ESTABLISHED,
  TCP_LISTEN,
} from "../../ffi/sock_diag_linux.ts";

export interface ServedPorts {
  /** Of connections that came in before, such as the one that all of this is typed into. */
  readonly tcp: readonly number[];
  /** Of servers within the kernel, such as WireGuard, whose port may be one of those for clients. */
  readonly udp: readonly number[];
  /** What the system gives to clients. */
  readonly clients: { readonly from: number; readonly to: number };
}

const CLIENT_PORTS = "/proc/sys/net/ipv4/ip_local_port_range";

export function servedPorts(): ServedPorts {
  const diag = new SockDiag();
  try {
    const clients = parseRange(Deno.readTextFileSync(CLIENT_PORTS));
    return { ...judgePorts(diag.sockets("tcp"), diag.sockets("udp")), clients };
  } finally {
    diag.close();
  }
}

export function judgePorts(
  tcp: readonly InetSocket[],
  udp: readonly InetSocket[],
): Pick<ServedPorts, "tcp" | "udp"> {
  const ports = (state: number) =>
    tcp.filter((each) => each.state === state).map(({ local }) => local.port);
  const used = new Set(ports(TCP_ESTABLISHED));
  const kernels = udp.filter(({ inode, remote }) => inode === 0 && remote.port === 0);
  return {
    tcp: [...new Set(ports(TCP_LISTEN))].filter((port) => used.has(port)),
    udp: [...new Set(kernels.map(({ local }) => local.port))],
  };
}

/** "32768\t60999" */
export function parseRange(text: string): ServedPorts["clients"] {
  const [from, to] = text.trim().split(/\s+/).map(Number);
  return { from: from!, to: to! };
}
