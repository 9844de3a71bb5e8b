/** Flow lookup, timers and header writing: what the stack does per packet besides decoding. */

import { Arena } from "../../src/arena.ts";
import { set16 } from "../../src/bytes.ts";
import { FlowTable } from "../../src/stack/flow_table.ts";
import { SipHash } from "../../src/stack/siphash.ts";
import { type Timed, TimerHeap } from "../../src/stack/timer_heap.ts";
import { IPV4_DONT_FRAGMENT, writeIpv4 } from "../../src/wire/ipv4.ts";
import { writeIpv6 } from "../../src/wire/ipv6.ts";
import { TCP, UDP } from "../../src/wire/protocol.ts";
import { newUdpHeader, readUdpHeader, writeUdpHeader } from "../../src/wire/socks5.ts";
import { writeTimestamps } from "../../src/wire/tcp.ts";
import { GSO_TCP4, writeVnetHeader } from "../../src/wire/vnet_header.ts";

const FLOWS = 10_000;
const bytes = new Uint8Array(2_048).map((_, index) => index * 13);

const table = new FlowTable<number>(new SipHash(bytes.subarray(0, 8)));
for (let port = 0; port < FLOWS; port++) {
  table.setKey(bytes, 0, 16, 16, port, 0);
  table.insert(port);
}
let next = 0;

Deno.bench(`flow lookup among ${FLOWS}`, { group: "flow lookup" }, () => {
  next = (next + 7919) % FLOWS;
  table.setKey(bytes, 0, 16, 16, next, 0);
  table.find();
});

Deno.bench("flow lookup of a stranger", { group: "flow lookup" }, () => {
  next = (next + 7919) % FLOWS;
  table.setKey(bytes, 4, 16, 16, next, 1);
  table.find();
});

const heap = new TimerHeap<Timed>();
const timers: Timed[] = Array.from({ length: FLOWS }, (_, index) => ({
  deadline: index,
  heapTime: 0,
  heapIndex: -1,
}));
for (const timer of timers) heap.update(timer);
let now = 0;

Deno.bench(`timer moved later, among ${FLOWS}`, { group: "timers" }, () => {
  next = (next + 7919) % FLOWS;
  const timer = timers[next]!;
  timer.deadline += 1;
  heap.update(timer);
});

Deno.bench(`timer taken and set again, among ${FLOWS}`, { group: "timers" }, () => {
  const due = heap.takeDue(++now);
  if (due === undefined) return;
  due.deadline = now + FLOWS;
  heap.update(due);
});

Deno.bench("write IPv4 header", { group: "write" }, () => {
  writeIpv4(bytes, 0, TCP, 1_500, 0, IPV4_DONT_FRAGMENT, 64);
});

Deno.bench("write IPv6 header", { group: "write" }, () => writeIpv6(bytes, 0, UDP, 1_460, 64));

Deno.bench("write virtio header and timestamps", { group: "write" }, () => {
  writeVnetHeader(bytes, 0, GSO_TCP4, 1_448, 52, 20, 16);
  writeTimestamps(bytes, 64, next, now);
});

const header = newUdpHeader();
const datagram = new Uint8Array(64);
writeUdpHeader(datagram, 0, bytes, 0, 4, 53);
set16(datagram, 0, 0);

Deno.bench("SOCKS5 UDP header: write", { group: "socks5 udp" }, () => {
  writeUdpHeader(datagram, 18, datagram, 4, 4, 53);
});

Deno.bench("SOCKS5 UDP header: read", { group: "socks5 udp" }, () => {
  readUdpHeader(datagram, 0, 64, header);
});

const arena = new Arena(new Uint8Array(Arena.size(4, 64)), 4, 64);

Deno.bench("arena: take, retain and release a slot", { group: "arena" }, () => {
  const at = arena.takeSmall();
  arena.retain(at);
  arena.release(at);
  arena.release(at);
});
