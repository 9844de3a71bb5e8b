/** A TUN device on a ring, as the engine uses it. */

import { assertEquals } from "@std/assert";
import { check, libc } from "../../ffi/libc.ts";
import { openTun } from "../../ffi/tun_linux.ts";
import { BufferRing } from "../../ffi/uring_buffers_linux.ts";
import { bufferOf, hasMore } from "../../ffi/uring_linux.ts";
import { ipv4Address } from "../support/descriptor_pairs.ts";
import { inNetNamespace, runHere } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";
import { UringRig } from "../support/uring_rig.ts";
import { uringTest } from "../support/needs_uring.ts";

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const NEAR = "198.18.0.1/30";
const FAR = [198, 18, 0, 2];

/** The virtio header, and those of IPv4 and UDP. */
const VNET = 10;
const IPV4 = 20;
const UDP = 8;
const HEADERS = VNET + IPV4 + UDP;

const GROUP = 1;
/** Enough for what the device tells of itself when it comes up. */
const BUFFERS = 64;
const BUFFER_SIZE = 4_096;
const VECTORS_AT = BUFFERS * BUFFER_SIZE;
const HEADERS_AT = VECTORS_AT + 32;
const RECEIVED_AT = HEADERS_AT + 64;
const PACKET = 1;
const WRITTEN = 2;
const RECEIVED = 3;

/** Writes the datagram of a buffer back, its headers turned round, its payload where it is. */
function reflect(rig: UringRig, fd: number, packet: number, length: number): void {
  const { bytes, memory, ring } = rig;
  const ip = HEADERS_AT + VNET;
  const udp = ip + IPV4;
  bytes.copyWithin(HEADERS_AT, packet, packet + HEADERS);
  bytes.fill(0, HEADERS_AT, HEADERS_AT + VNET);
  swap(bytes, ip + 12, ip + 16, 4);
  swap(bytes, udp, udp + 2, 2);
  // No checksum, which IPv4 allows.
  bytes.fill(0, udp + 6, udp + 8);
  const vectors = new Uint32Array(bytes.buffer, VECTORS_AT, 8);
  memory.writeAddress(vectors, 0, HEADERS_AT);
  vectors[2] = HEADERS;
  memory.writeAddress(vectors, 4, packet + HEADERS);
  vectors[6] = length - HEADERS;
  ring.writev(fd, VECTORS_AT, 2, WRITTEN, 0);
}

function swap(bytes: Uint8Array, one: number, other: number, length: number): void {
  const kept = bytes.slice(one, one + length);
  bytes.copyWithin(one, other, other + length);
  bytes.set(kept, other);
}

/** The device also tells of itself, by IPv6. */
function isDatagram(bytes: Uint8Array, packet: number): boolean {
  return bytes[packet + VNET]! >> 4 === 4 && bytes[packet + VNET + 9] === 17;
}

const rootUringTest = Deno.uid() === 0 ? uringTest : rootTest;

rootUringTest(
  "a TUN device is read by one multishot read, and written from two places",
  () =>
    inNetNamespace(() => {
      using rig = new UringRig();
      const buffers = new BufferRing(rig.ring, GROUP, BUFFERS);
      for (let i = 0; i < BUFFERS; i++) buffers.provide(i, i * BUFFER_SIZE, BUFFER_SIZE);
      buffers.commit();
      const device = openTun({ name: "", offload: "auto" });
      assertEquals(device.vnet, true);
      runHere("ip", "address", "add", NEAR, "dev", device.name);
      runHere("ip", "link", "set", device.name, "up");
      const socket = check("socket", libc().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0));
      check("connect", libc().connect(socket, ipv4Address(FAR, 7), 16));

      rig.ring.readMultishot(device.fd, GROUP, PACKET, 0);
      for (const size of [1, 1_400, 5, 900]) {
        const sent = new Uint8Array(2_048).map((_, i) => i * 7 + size);
        check("send", libc().send(socket, sent, BigInt(size), 0));
        rig.ring.recvInto(socket, RECEIVED_AT, 2_048, 0, RECEIVED, 0);
        for (let received = false; !received;) {
          const { tag, result, flags } = rig.one();
          const packet = bufferOf(flags) * BUFFER_SIZE;
          if (tag === PACKET) {
            assertEquals(hasMore(flags), true);
            if (isDatagram(rig.bytes, packet)) {
              assertEquals(result, HEADERS + size);
              reflect(rig, device.fd, packet, result);
              rig.ring.submit();
            }
            // It has been written by now: a device takes a packet at once.
            buffers.provide(bufferOf(flags), packet, BUFFER_SIZE);
            buffers.commit();
          } else if (tag === WRITTEN) {
            assertEquals(result, HEADERS + size);
          } else {
            assertEquals([tag, result], [RECEIVED, size]);
            assertEquals(rig.bytes.slice(RECEIVED_AT, RECEIVED_AT + size), sent.slice(0, size));
            received = true;
          }
        }
      }
      libc().close(socket);
      device.close();
      buffers.close();
    }),
);
