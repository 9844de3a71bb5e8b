/** Writing headers: the parts, then whole TCP segments and datagrams, with the kernel's help and without. */

import { IPV4_DONT_FRAGMENT, writeIpv4 } from "../../src/wire/ipv4.ts";
import { writeIpv6 } from "../../src/wire/ipv6.ts";
import { TCP, UDP } from "../../src/wire/protocol.ts";
import { ACK, writeTimestamps } from "../../src/wire/tcp.ts";
import { GSO_TCP4, writePlainVnetHeader, writeVnetHeader } from "../../src/wire/vnet_header.ts";
import { BenchHost } from "./bench_host.ts";
import { FEW, measure } from "./measure.ts";
import type { AddressLength } from "./packets.ts";
import { withReference } from "./reference.ts";

const bytes = new Uint8Array(128);
let turn = 0;

function benchParts(): void {
  measure("write: IPv4 header", () => {
    writeIpv4(bytes, 0, TCP, 1_500 - (turn++ & 255), turn & 0xffff, IPV4_DONT_FRAGMENT, 64);
    return bytes[10]!;
  });
  measure("write: IPv6 header", () => {
    writeIpv6(bytes, 0, UDP, 1_460 - (turn++ & 255), 64);
    return bytes[5]!;
  });
  measure("write: timestamps", () => {
    writeTimestamps(bytes, 64, turn++, turn + 7);
    return bytes[71]!;
  });
  measure("write: virtio header", () => {
    writeVnetHeader(bytes, 0, GSO_TCP4, 1_448, 52 + (turn++ & 7), 20, 16);
    return bytes[2]!;
  });
  measure("write: virtio header of a plain packet", () => {
    bytes[1] = turn++;
    writePlainVnetHeader(bytes, 0);
    return bytes[1]!;
  });
}

function benchSegment(name: string, vnet: boolean, addresses: AddressLength, length: number): void {
  const host = new BenchHost(vnet, addresses);
  const connection = host.open(0);
  const payload = host.output.arena.takeLarge();
  let sequence = 1;
  measure(`write: ${name}`, () => {
    sequence = (sequence + length + 1) >>> 0;
    connection.writer.segment(connection, ACK, sequence, payload, payload + length);
    return host.output.bytes;
  }, FEW);
}

function benchDatagram(name: string, vnet: boolean, addresses: AddressLength): void {
  const { stack, output } = new BenchHost(vnet, addresses);
  const payload = output.arena.takeLarge();
  measure(`write: ${name}`, () => {
    const port = turn++ & 0xffff;
    stack.sendUdp(bytes, 0, port, bytes, 16, port, addresses, payload, payload + 64);
    return output.bytes;
  }, FEW);
}

withReference(() => {
  benchParts();
  benchSegment("IPv4 ACK, plain", false, 4, 0);
  benchSegment("IPv4 segment of 1448 bytes, plain", false, 4, 1_448);
  benchSegment("IPv4 ACK, offload", true, 4, 0);
  benchSegment("IPv4 segment of 64 KB, offload", true, 4, 65_160);
  benchSegment("IPv6 segment of 64 KB, offload", true, 16, 64_260);
  benchDatagram("IPv4 datagram of 64 bytes, plain", false, 4);
  benchDatagram("IPv4 datagram of 64 bytes, offload", true, 4);
  benchDatagram("IPv6 datagram of 64 bytes, offload", true, 16);
});
