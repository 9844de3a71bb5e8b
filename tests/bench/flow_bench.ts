/** From a packet to its flow, and the order of flows: by key, by deadline, by last use. */

import { FlowTable } from "../../src/stack/flow_table.ts";
import { RecencyList, type RecencyNode } from "../../src/stack/recency.ts";
import { SipHash } from "../../src/stack/siphash.ts";
import { type Timed, TimerHeap } from "../../src/stack/timer_heap.ts";
import { FEW, measure } from "./measure.ts";
import { withReference } from "./reference.ts";

const FLOWS = 10_000;
/** Coprime to every count of flows here: all of them come up, far from one another. */
const STRIDE = 7_919;

const bytes = new Uint8Array(64).map((_, index) => index * 13 + 1);
const hash = new SipHash(bytes);
let next = 0;

function benchTable(flows: number): void {
  const table = new FlowTable<{ readonly port: number }>(hash);
  for (let port = 0; port < flows; port++) {
    table.setKey(bytes, 0, 4, 4, port, 0);
    table.insert({ port });
  }
  measure(`flow table: hit, among ${flows}`, () => {
    next = (next + STRIDE) % flows;
    table.setKey(bytes, 0, 4, 4, next, 0);
    return table.find()!.port;
  });
  measure(`flow table: miss, among ${flows}`, () => {
    next = (next + STRIDE) % FLOWS;
    table.setKey(bytes, 8, 4, 4, next, 0);
    return table.find() === undefined ? next : -1;
  });
  measure(`flow table: insert and delete, among ${flows}`, () => {
    next = (next + STRIDE) % FLOWS;
    table.setKey(bytes, 8, 4, 4, next, 0);
    table.insert({ port: next });
    table.delete();
    return table.size;
  }, FEW);
}

function benchIpv6Key(): void {
  const table = new FlowTable<number>(hash);
  measure("flow table: IPv6 key", () => {
    next = (next + 1) & 31;
    table.setKey(bytes, next, next + 16, 16, next, 0);
    return table.key[7]!;
  });
}

function benchHash(): void {
  const words = new Uint32Array(16).map((_, index) => index * 0x0123_4567);
  measure("siphash: 10 words", () => {
    words[0]!++;
    return hash.words(words, next++ & 3, 10);
  });
}

/** All deadlines lie within a second or so, and time goes on to the earliest. */
function benchTimers(): void {
  const heap = new TimerHeap<Timed>();
  const timers = Array.from({ length: FLOWS }, (_, i): Timed => ({
    deadline: 1_000 + (i * STRIDE) % 1_000,
    heapTime: 0,
    heapIndex: -1,
  }));
  for (const timer of timers) heap.update(timer);
  let now = 0;
  measure(`timers: moved later, among ${FLOWS}`, () => {
    next = (next + STRIDE) % FLOWS;
    const timer = timers[next]!;
    timer.deadline += 0.001;
    heap.update(timer);
    return timer.heapIndex;
  });
  measure(`timers: put in and taken out, among ${FLOWS}`, () => {
    next = (next + STRIDE) % FLOWS;
    const timer = timers[next]!;
    heap.remove(timer);
    timer.deadline = now + 1 + (next * STRIDE) % 1_000;
    heap.update(timer);
    return timer.heapIndex;
  });
  measure(`timers: due and set again, among ${FLOWS}`, () => {
    now = Math.max(now, heap.next);
    const due = heap.takeDue(now);
    if (due === undefined) return -1;
    next = (next + STRIDE) % FLOWS;
    due.deadline = now + 1 + next * 0.1;
    heap.update(due);
    return due.heapIndex;
  }, FEW);
}

class Node implements RecencyNode {
  newer: RecencyNode | undefined = undefined;
  older: RecencyNode | undefined = undefined;
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

function benchRecency(): void {
  const list = new RecencyList<Node>();
  const nodes = Array.from({ length: FLOWS }, (_, index) => new Node(index));
  for (const node of nodes) list.add(node);
  measure(`recency: touched, among ${FLOWS}`, () => {
    next = (next + STRIDE) % FLOWS;
    list.touch(nodes[next]!);
    return list.oldest!.index;
  });
}

withReference(() => {
  benchTable(1);
  benchTable(FLOWS);
  benchIpv6Key();
  benchHash();
  benchTimers();
  benchRecency();
});
