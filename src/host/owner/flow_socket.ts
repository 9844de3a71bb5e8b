/** Which socket of this host a flow comes from. */

import type { InetSocket, SockDiag, SocketEnd } from "../../../ffi/sock_diag_linux.ts";
import { TCP_LISTEN } from "../../../ffi/sock_diag_linux.ts";
import { sameAddress } from "../../addr/address.ts";
import type { FlowSample } from "./loop_watchdog.ts";

/** Undefined for a flow of another host, and for a socket that is closed. */
export function socketOfFlow(diag: SockDiag, flow: FlowSample): InetSocket | undefined {
  if (flow.protocol === "tcp") {
    const found = diag.find(flow.source, flow.destination);
    return found?.state === TCP_LISTEN ? undefined : found;
  }
  return diag.sockets("udp", { localPort: flow.source.port })
    .filter((socket) => sends(socket, flow))
    .sort((a, b) => precision(b) - precision(a))[0];
}

/** A UDP socket may be bound to any address, and connected to none. */
function sends({ local, remote }: InetSocket, { source, destination }: FlowSample): boolean {
  return (isAny(local) || sameAddress(local.address, source.address)) &&
    (remote.port === 0 ||
      remote.port === destination.port && sameAddress(remote.address, destination.address));
}

function precision({ local, remote }: InetSocket): number {
  return (remote.port === 0 ? 0 : 2) + (isAny(local) ? 0 : 1);
}

function isAny({ address }: SocketEnd): boolean {
  return address.every((octet) => octet === 0);
}
