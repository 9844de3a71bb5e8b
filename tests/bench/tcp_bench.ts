/** A connection's queues on the ordinary path, and whole packets through the stack. */

import { Arena } from "../../src/arena.ts";
import { Scoreboard } from "../../src/stack/tcp/scoreboard.ts";
import { SendQueue } from "../../src/stack/tcp/send_queue.ts";
import { BenchHost } from "./bench_host.ts";
import { FEW, measure } from "./measure.ts";
import { ackSegment, datagram, dataSegment, MSS } from "./packets.ts";
import { withReference } from "./reference.ts";

function benchArena(): void {
  const arena = new Arena(new Uint8Array(Arena.size(4, 64)), 4, 64);
  measure("arena: slot taken, kept and given back", () => {
    const at = arena.takeSmall();
    arena.retain(at);
    arena.release(at);
    arena.release(at);
    return at;
  });
}

/** Eight ranges wait; each call one is acknowledged and one put in. */
function benchSendQueue(): void {
  const arena = new Arena(new Uint8Array(Arena.size(16, 0)), 16, 0);
  const queue = new SendQueue(arena);
  const push = () => {
    const at = arena.takeLarge();
    queue.push(at, at + MSS);
  };
  for (let i = 0; i < 8; i++) push();
  measure("send queue: acknowledged, given, found", () => {
    queue.acknowledge(MSS);
    push();
    queue.locate(7 * MSS);
    return queue.foundAt;
  });
}

function benchScoreboard(): void {
  const scoreboard = new Scoreboard();
  let sequence = 0;
  measure("scoreboard: nothing lost", () => {
    sequence = (sequence + MSS) >>> 0;
    scoreboard.advance(sequence);
    return scoreboard.bytes + scoreboard.missing(sequence, sequence + MSS);
  });
  measure("scoreboard: one hole, filled later", () => {
    // Below 2^30, where numbers are small integers for the engine too.
    const from = sequence & 0x3fff_ffff;
    for (let i = 2; i < 10; i++) scoreboard.add(from + i * MSS, from + (i + 1) * MSS);
    const edge = scoreboard.lossEdge(from, 2 * MSS);
    sequence = from + 10 * MSS;
    scoreboard.advance(sequence);
    return edge;
  }, FEW);
}

/** The local host uploads: a segment comes in, and is acknowledged. */
function benchData(flows: number): void {
  const host = new BenchHost(true, 4);
  for (let index = 0; index < flows; index++) host.open(index);
  host.place(dataSegment(0, 4));
  let next = 0;
  measure(`stack: segment in, ACK out, flows: ${flows}`, () => {
    next = (next + 37) % flows;
    return host.receiveNext(next, 0);
  }, FEW);
}

/** The local host downloads: an acknowledgement comes in, and lets the next segment out. */
function benchAcknowledgments(flows: number): void {
  const host = new BenchHost(true, 4);
  const { arena } = host.output;
  const payload = arena.takeLarge();
  host.onWritable = (connection) => {
    arena.retain(payload);
    connection.send(payload, payload + MSS);
  };
  for (let index = 0; index < flows; index++) {
    const connection = host.open(index);
    for (let i = 0; i < 8; i++) host.onWritable(connection);
  }
  host.place(ackSegment(0, 4, 0));
  let next = 0;
  measure(`stack: ACK in, segment out, flows: ${flows}`, () => {
    next = (next + 37) % flows;
    return host.receiveNext(next, MSS);
  }, FEW);
}

function benchDatagrams(): void {
  const host = new BenchHost(true, 4);
  host.place(datagram(0, 4));
  measure("stack: datagram in", () => {
    host.receive();
    return host.stack.counters.udpReceived;
  });
}

withReference(() => {
  benchArena();
  benchSendQueue();
  benchScoreboard();
  benchData(1);
  benchData(100);
  benchAcknowledgments(1);
  benchAcknowledgments(100);
  benchDatagrams();
});
