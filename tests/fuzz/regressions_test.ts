/** What the fuzzer found that cannot be kept as bytes alone, because it depends on numbers of the run. */

import { assertEquals } from "@std/assert";
import { get32 } from "../../src/bytes.ts";
import { Stack } from "../../src/stack/stack.ts";
import type { TcpConnection } from "../../src/stack/tcp/connection.ts";
import { MemoryLink } from "../../src/link/memory_link.ts";
import { TCP } from "../../src/wire/protocol.ts";
import { ACK, SYN } from "../../src/wire/tcp.ts";
import { PacketBuilder, type Segment } from "./packet_builder.ts";

const CLIENT = new Uint8Array([198, 18, 0, 1]);
const SERVER = new Uint8Array([192, 0, 2, 1]);
const MSS = 0x0204_05b4;
const SACK_PERMITTED = 0x0101_0402;
const NOP_NOP_SACK_10 = 0x0101_050a;

Deno.test("a SACK block that reaches half-way round the sequence numbers marks nothing as lost", () => {
  const link = new MemoryLink();
  const sent: Uint8Array[] = [];
  link.onSend = (packet) => {
    // It used to send without end; only an error stops that.
    if (sent.push(packet) > 100) throw new Error("More than 100 packets were sent");
    return true;
  };
  let connection: TcpConnection | undefined;
  const stack = new Stack(link, {
    tcpOpened(opened) {
      connection = opened;
      opened.accept();
    },
    udpReceived() {},
  }, {
    tcp: {
      flowBytes: 1 << 16,
      idle: 3_600_000,
      halfClosed: 60_000,
      timeWait: 30_000,
      giveUp: 100_000,
      keepAliveInterval: 10_000,
      keepAliveProbes: 3,
      congestion: "cubic",
    },
    tcpBounds: { flows: 4, halfOpen: 4 },
    reassembly: { packets: 1, bytes: 1 << 20, lifetime: 15_000 },
    router: { ipv4: SERVER, ipv6: new Uint8Array(16) },
    answerEcho: true,
    random: (bytes) => bytes.fill(7),
  });
  const builder = new PacketBuilder(false);
  const receive = (segment: Partial<Segment>) => {
    builder.ip(TCP, CLIENT, SERVER);
    const plain = { flags: ACK, sequence: 101, acknowledgment: 0, window: 65_535, options: [] };
    builder.tcp(4_000, 80, { ...plain, payload: 0, ...segment });
    const packet = builder.close();
    const slot = link.arena.takeSmall();
    link.arena.bytes.set(packet, slot);
    stack.receive(slot, slot + packet.length, 1);
    link.arena.release(slot);
  };

  receive({ flags: SYN, sequence: 100, options: [MSS, SACK_PERMITTED] });
  const una = (get32(sent[0]!, 24) + 1) >>> 0;
  receive({ acknowledgment: una });
  const slot = link.arena.takeSmall();
  connection!.send(slot, slot + 100);
  const before = sent.length;
  // Each edge seems to come after the one before it: una, left, right, una + 100.
  const left = (una + 0x5400_0000) >>> 0;
  const right = (una + 0xa800_0000) >>> 0;
  receive({ acknowledgment: una, options: [NOP_NOP_SACK_10, left, right] });
  assertEquals(sent.length, before);
  assertEquals(connection!.scoreboard.bytes, 0);
});
