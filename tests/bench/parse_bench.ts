/** Reading packets: once for each that comes in, or for each super-segment with virtio headers. */

import { Packet } from "../../src/wire/packet.ts";
import { TcpSegment } from "../../src/wire/tcp.ts";
import { udpEnd } from "../../src/wire/udp.ts";
import { GSO_TCP4, GSO_TCP6 } from "../../src/wire/vnet_header.ts";
import { captured, plainPackets } from "../vectors/packets/packets.ts";
import { FEW, measure } from "./measure.ts";
import { datagram, dataSegment, PacketRing, synSegment, withVnetHeader } from "./packets.ts";
import { withReference } from "./reference.ts";

/** The packet, then the segment in it. */
function benchSegment(name: string, ring: PacketRing, vnet: boolean): void {
  const packet = new Packet(ring.bytes);
  const segment = new TcpSegment();
  measure(`parse: ${name}`, () => {
    ring.take();
    if (packet.decode(ring.at, ring.end, vnet) !== "ok") throw new Error(`Cannot parse ${name}`);
    segment.decode(ring.bytes, packet.payloadAt, packet.end);
    return segment.sequence + segment.dataAt;
  });
}

function benchDatagram(name: string, ring: PacketRing): void {
  const packet = new Packet(ring.bytes);
  measure(`parse: ${name}`, () => {
    ring.take();
    if (packet.decode(ring.at, ring.end, false) !== "ok") throw new Error(`Cannot parse ${name}`);
    return udpEnd(ring.bytes, packet.payloadAt, packet.end);
  });
}

/** What the parsing is followed by where nobody vouches for the payload. */
function benchVerified(name: string, ring: PacketRing): void {
  const packet = new Packet(ring.bytes);
  measure(`parse: ${name}, sum verified`, () => {
    ring.take();
    packet.decode(ring.at, ring.end, false);
    if (!packet.transportChecksumHolds(packet.payloadAt, packet.end)) {
      throw new Error(`The checksum of ${name} does not hold`);
    }
    return packet.end;
  }, FEW);
}

withReference(() => {
  benchSegment("IPv4 segment", new PacketRing((i) => dataSegment(i, 4)), false);
  benchSegment("IPv6 segment", new PacketRing((i) => dataSegment(i, 16)), false);
  benchSegment("IPv4 SYN", new PacketRing((i) => synSegment(i, 4)), false);
  benchSegment(
    "IPv4 segment, virtio header",
    new PacketRing((i) => withVnetHeader(dataSegment(i, 4), GSO_TCP4)),
    true,
  );
  benchSegment(
    "IPv6 segment, virtio header",
    new PacketRing((i) => withVnetHeader(dataSegment(i, 16), GSO_TCP6)),
    true,
  );
  benchDatagram("IPv4 datagram", new PacketRing((i) => datagram(i, 4)));
  benchDatagram("IPv6 datagram", new PacketRing((i) => datagram(i, 16)));
  benchVerified("IPv4 datagram of 64 bytes", new PacketRing((i) => datagram(i, 4)));
  benchVerified("IPv4 segment of 1448 bytes", new PacketRing((i) => dataSegment(i, 4)));

  const [extensions] = captured(plainPackets, "extensions6");
  const packet = new Packet(extensions!);
  measure("parse: IPv6 with two extension headers", () => {
    extensions![7]! ^= 1;
    packet.decode(0, extensions!.length, false);
    return packet.payloadAt + packet.hopLimit;
  });
});
