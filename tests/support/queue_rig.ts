/**
 * A TUN device with several queues, in the network namespace of this thread, and a socket that hands packets
 * to it octet by octet, as the kernel's own IP would.
 */

import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { check, libc } from "../../ffi/libc.ts";
import { NetlinkRouteSocket } from "../../ffi/netlink_linux.ts";
import { openTunQueues } from "../../ffi/tun_linux.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { sameBytes, set16, set16le, set32le } from "../../src/bytes.ts";
import { runHere } from "./net_namespace.ts";

const AF_PACKET = 17;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const LINK_ADDRESS = 20;
const LARGEST = 2_048;

export class QueueRig implements Disposable {
  readonly queues: readonly TunDevice[];
  readonly #sockets: readonly [number, number];
  readonly #read = new Uint8Array(LARGEST);

  constructor(count: number) {
    this.queues = openTunQueues({ name: "queues0", offload: "off" }, count);
    runHere("ip", "link", "set", "queues0", "up");
    const routes = new NetlinkRouteSocket();
    const link = routes.findLink("queues0")!.index;
    routes.close();
    this.#sockets = [packetSocket(link, ETH_P_IP), packetSocket(link, ETH_P_IPV6)];
  }

  /** The number of the queue at which a packet arrives; undefined when it does at none. */
  arrival(packet: Uint8Array<ArrayBuffer>): number | undefined {
    const socket = this.#sockets[packet[0]! >> 4 === 4 ? 0 : 1]!;
    check("send", libc().send(socket, packet, BigInt(packet.length), 0));
    const arrived = this.queues.map((queue) => this.#drain(queue, packet));
    const at = arrived.indexOf(true);
    return at < 0 ? undefined : at;
  }

  /** Empties the queue; whether the packet was there. The kernel sends packets of its own. */
  #drain({ fd }: TunDevice, packet: Uint8Array): boolean {
    let found = false;
    while (true) {
      const length = Number(libc().read(fd, this.#read, BigInt(LARGEST)));
      if (length < 0) return found;
      found ||= length === packet.length && sameBytes(this.#read, 0, packet, 0, length);
    }
  }

  [Symbol.dispose](): void {
    this.#sockets.forEach(closeFd);
    for (const queue of this.queues) queue.close();
  }
}

function packetSocket(link: number, protocol: number): number {
  // Protocol 0: it is for sending, and hears nothing.
  const fd = check("socket", libc().socket(AF_PACKET, SOCK_RAW_CLOEXEC, 0));
  const address = new Uint8Array(128);
  set16le(address, 0, AF_PACKET);
  set16(address, 2, protocol);
  set32le(address, 4, link);
  check("bind", libc().bind(fd, address, LINK_ADDRESS));
  return fd;
}
