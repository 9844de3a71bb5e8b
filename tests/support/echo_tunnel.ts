/**
 * The smallest engine: answers echo requests, IPv4 and IPv6, and counts what else arrives.
 */

import { MessageSocket, socketPair } from "../../ffi/fd_passing_linux.ts";
import { libc } from "../../ffi/libc.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { get16, sameBytes, set16, set32le } from "../../src/bytes.ts";

const POLLIN = 1;
const VNET_HEADER = 10;

export interface EchoTunnel {
  readonly counts: { echo: number; other: number };
  stop(): Promise<void>;
  close(): Promise<void>;
}

export function startEchoTunnel(device: TunDevice): EchoTunnel {
  const [wakeRead, wakeWrite] = socketPair().map((fd) => new MessageSocket(fd));
  const counts = { echo: 0, other: 0 };
  const packet = new Uint8Array(70_000);
  const poll = new Uint8Array(128);
  set32le(poll, 0, device.fd);
  set32le(poll, 4, POLLIN);
  set32le(poll, 8, wakeRead!.fd);
  set32le(poll, 12, POLLIN);
  const loop = async () => {
    while (true) {
      await libc().poll_blocking(poll, 2, -1);
      if (poll[14] !== 0) return;
      let length = Number(libc().read(device.fd, packet, BigInt(packet.length)));
      while (length > 0) {
        answer(device, packet, length, counts);
        length = Number(libc().read(device.fd, packet, BigInt(packet.length)));
      }
    }
  };
  const running = loop();
  let ended: Promise<void> | undefined;
  const end = async () => {
    wakeWrite!.close();
    await running;
    wakeRead!.close();
  };
  const stop = () => ended ??= end();
  return { counts, stop, close: stop };
}

function answer(
  device: TunDevice,
  packet: Uint8Array<ArrayBuffer>,
  length: number,
  counts: EchoTunnel["counts"],
): void {
  const at = device.vnet ? VNET_HEADER : 0;
  if (!turnEcho(packet, at)) {
    counts.other++;
    return;
  }
  counts.echo++;
  packet.fill(0, 0, at);
  const written = Number(libc().write(device.fd, packet, BigInt(length)));
  if (written !== length) throw new Error(`Wrote ${written} of ${length} bytes`);
}

/** Makes the answer of an echo request in place; false for anything else. */
function turnEcho(packet: Uint8Array, at: number): boolean {
  const ipv4 = packet[at]! >> 4 === 4;
  const protocol = packet[at + (ipv4 ? 9 : 6)];
  const icmp = at + (ipv4 ? 20 : 40);
  if (ipv4 ? protocol !== 1 || packet[icmp] !== 8 : protocol !== 58 || packet[icmp] !== 128) {
    return false;
  }
  const size = ipv4 ? 4 : 16;
  const source = at + (ipv4 ? 12 : 8);
  const old = packet.slice(source, source + size);
  packet.copyWithin(source, source + size, source + 2 * size);
  packet.set(old, source + size);
  if (!sameBytes(old, 0, packet, source + size, size)) throw new Error("Addresses were lost");
  // RFC 1624: the sum changes by as much as the type does.
  const before = packet[icmp]!;
  packet[icmp] = ipv4 ? 0 : 129;
  const sum = get16(packet, icmp + 2) + ((before - packet[icmp]!) << 8);
  set16(packet, icmp + 2, sum < 0 ? sum - 1 : (sum & 0xffff) + (sum >> 16));
  return true;
}
