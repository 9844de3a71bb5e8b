import { assert, assertEquals } from "@std/assert";
import { set16, set32 } from "../../src/bytes.ts";
import { queueOf } from "../reference/steering.ts";
import { inNetNamespace } from "../support/net_namespace.ts";
import { QueueRig } from "../support/queue_rig.ts";
import { rootTest } from "../support/root.ts";
import { addressBytes } from "../support/udp_socket.ts";

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;

const SOURCES = ["198.18.0.1", "198.18.0.9", "fd7a:7475:6e00::1", "2001:db8::abcd:1"];
const DESTINATIONS = ["203.0.113.7", "203.0.113.8", "2001:db8:1::7", "2001:db8:2::8"];

interface PacketFields {
  source: string;
  destination?: string;
  protocol?: number;
  port?: number;
  /** Octets of options in an IPv4 header. */
  options?: number;
  /** In octets, a multiple of 8; -1 for a packet that is whole. */
  offset?: number;
  more?: boolean;
  id?: number;
  length?: number;
}

/** An IP packet as far as the kernel looks at it. */
function packetOf(fields: PacketFields): Uint8Array<ArrayBuffer> {
  const ipv4 = !fields.source.includes(":");
  const { protocol = UDP, port = 5_000, offset = -1, length = 64 } = fields;
  const destination = fields.destination ?? DESTINATIONS[ipv4 ? 0 : 2]!;
  const header = ipv4 ? header4(fields, protocol) : header6(fields, protocol);
  const packet = new Uint8Array(header.length + length);
  packet.set(header);
  packet.set(addressBytes(fields.source), ipv4 ? 12 : 8);
  packet.set(addressBytes(destination), ipv4 ? 16 : 24);
  set16(packet, ipv4 ? 2 : 4, ipv4 ? packet.length : packet.length - 40);
  if (offset <= 0) set16(packet, header.length, port);
  return packet;
}

function header4({ options = 0, offset = -1, more, id = 0 }: PacketFields, protocol: number) {
  const header = new Uint8Array(20 + options);
  header[0] = 0x40 | header.length / 4;
  set16(header, 4, id);
  if (offset >= 0) set16(header, 6, offset / 8 | (more ? 0x2000 : 0));
  header[8] = 64;
  header[9] = protocol;
  return header;
}

function header6({ offset = -1, more, id = 0 }: PacketFields, protocol: number) {
  const header = new Uint8Array(offset < 0 ? 40 : 48);
  header[0] = 0x60;
  header[6] = offset < 0 ? protocol : FRAGMENT;
  header[7] = 64;
  if (offset < 0) return header;
  header[40] = protocol;
  set16(header, 42, offset | (more ? 1 : 0));
  set32(header, 44, id);
  return header;
}

const fitting = (source: string) =>
  DESTINATIONS.filter((text) => text.includes(":") === source.includes(":"));

for (const count of [2, 3, 64]) {
  rootTest(
    `${count} queues: what one port sends arrives at one, whoever it is for`,
    () =>
      inNetNamespace(() => {
        using rig = new QueueRig(count);
        const used = new Set<number>();
        for (const source of SOURCES) {
          for (let port = 1_000; port < 1_200; port++) {
            const queue = queueOf(addressBytes(source), port, count);
            used.add(queue);
            for (const destination of fitting(source)) {
              for (const protocol of [TCP, UDP]) {
                const packet = packetOf({ source, destination, protocol, port });
                assertEquals(rig.arrival(packet), queue, `${source} port ${port}`);
              }
            }
          }
        }
        assertEquals(used.size, count);
      }),
  );
}

Deno.test("ports that follow one another, as the kernel gives them, spread evenly", () => {
  for (const count of [2, 4, 8]) {
    for (const step of [1, 2]) {
      const loads = new Array<number>(count).fill(0);
      for (let i = 0; i < 10 * count; i++) {
        loads[queueOf(addressBytes(SOURCES[0]!), 40_000 + i * step, count)]!++;
      }
      assert(loads.every((load) => load >= 8 && load <= 12), `${count}, ${step}: ${loads}`);
    }
  }
});

rootTest(
  "a fragmented datagram arrives at the queue of its port, all of it",
  () =>
    inNetNamespace(() => {
      using rig = new QueueRig(4);
      for (const source of SOURCES) {
        for (let port = 2_000; port < 2_050; port++) {
          const queue = queueOf(addressBytes(source), port, 4);
          const fields = { source, port, id: 0x1_0000 - port };
          const arrivals = [
            packetOf({ ...fields, offset: 0, more: true }),
            packetOf({ ...fields, offset: 64, more: true }),
            packetOf({ ...fields, offset: 128, more: false, length: 5 }),
          ].map((piece) => rig.arrival(piece));
          assertEquals(arrivals, [queue, queue, queue]);
        }
      }
    }),
);

rootTest("fragments of several datagrams at a time are told apart", () =>
  inNetNamespace(() => {
    using rig = new QueueRig(8);
    for (const source of SOURCES) {
      const datagrams = fitting(source).flatMap((destination) =>
        [UDP, TCP].flatMap((protocol) =>
          [1, 2, 3].map((id) => ({ source, destination, protocol, id }))
        )
      ).map((fields, index) => ({ ...fields, port: 3_000 + index }));
      const queues = datagrams.map(({ port }) => queueOf(addressBytes(source), port, 8));
      for (const [offset, more] of [[0, true], [64, true], [128, false]] as const) {
        const arrivals = datagrams.map((fields) =>
          rig.arrival(packetOf({ ...fields, offset, more }))
        );
        assertEquals(arrivals, queues, `${source} ${offset}`);
      }
    }
  }));

rootTest("what has no port, or not yet, goes by its source alone", () =>
  inNetNamespace(() => {
    using rig = new QueueRig(8);
    for (const source of SOURCES) {
      const queue = queueOf(addressBytes(source), undefined, 8);
      // Of another protocol, with the same number.
      rig.arrival(packetOf({ source, offset: 0, more: true, id: 77 }));
      const portless = [
        packetOf({ source, protocol: ICMP }),
        packetOf({ source, protocol: DESTINATION_OPTIONS }),
        packetOf({ source, protocol: ICMP, offset: 0, more: true, id: 77 }),
        packetOf({ source, protocol: ICMP, offset: 64, more: false, id: 77 }),
        // Its first fragment was never seen.
        packetOf({ source, offset: 64, more: true, id: 78 }),
      ];
      assertEquals(portless.map((packet) => rig.arrival(packet)), portless.map(() => queue));
    }
  }));

rootTest("ports stand behind the options of an IPv4 header", () =>
  inNetNamespace(() => {
    using rig = new QueueRig(8);
    for (const options of [4, 24, 40]) {
      for (let port = 4_000; port < 4_020; port++) {
        const packet = packetOf({ source: SOURCES[0]!, port, options });
        assertEquals(rig.arrival(packet), queueOf(addressBytes(SOURCES[0]!), port, 8));
      }
    }
  }));

rootTest("what is cut short arrives all the same, at the first queue", () =>
  inNetNamespace(() => {
    using rig = new QueueRig(8);
    for (const source of [SOURCES[0]!, SOURCES[2]!]) {
      const whole = packetOf({ source });
      for (const length of [20, 21]) {
        if (source.includes(":")) assertEquals(rig.arrival(whole.slice(0, length)), 0);
        else assertEquals(rig.arrival(packetOf({ source, length: length - 20 })), 0);
      }
    }
  }));
