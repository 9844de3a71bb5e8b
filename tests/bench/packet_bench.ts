/** Decoding: once per packet that comes in, or once per super-segment with virtio headers. */

import { Packet } from "../../src/wire/packet.ts";
import { TcpSegment } from "../../src/wire/tcp.ts";
import { captured, plainPackets, vnetPackets } from "../vectors/packets/packets.ts";

function benchDecode(name: string, bytes: Uint8Array, vnet: boolean): void {
  const packet = new Packet(bytes);
  Deno.bench(`decode: ${name}`, { group: "decode" }, () => {
    packet.decode(0, bytes.length, vnet);
  });
}

benchDecode("IPv4 segment, virtio header", captured(vnetPackets, "tcp4-bulk")[2]!, true);
benchDecode("IPv6 segment, virtio header", captured(vnetPackets, "tcp6-bulk")[2]!, true);
benchDecode("IPv4 datagram", captured(plainPackets, "udp4")[0]!, false);
benchDecode("IPv6 with two extension headers", captured(plainPackets, "extensions6")[0]!, false);

const segment = new TcpSegment();
const [syn, ack] = captured(plainPackets, "tcp4");

Deno.bench("decode: TCP header with timestamps", { group: "segment" }, () => {
  segment.decode(ack!, 20, ack!.length);
});

Deno.bench("decode: TCP header of a SYN", { group: "segment" }, () => {
  segment.decode(syn!, 20, syn!.length);
});
