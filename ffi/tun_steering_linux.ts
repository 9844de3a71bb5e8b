/**
 * Which queue of a TUN device a packet goes to: one that its source address and source port choose.
 *
 * The kernel's own choice is by both ends of a flow. That tears a UDP socket apart which talks to several
 * others: to each of them it would be somebody else, with a port of its own at the proxy. It also sends
 * fragments, which have no ports, elsewhere than whole datagrams of the same socket. So a program
 * chooses. All that one local socket sends goes to one queue, always: nothing that it looks at changes
 * in a socket's life.
 *
 * Only the first fragment of a packet has the port. What it said is remembered for the rest, which follow
 * it. A rest that comes first, as it may on a host that forwards for others, and everything else without
 * a port goes by the source address alone.
 */

import { UserError } from "../src/errors.ts";
import {
  add,
  add32,
  and,
  call,
  copy,
  exit,
  goto,
  ifEqual,
  ifNot,
  load32,
  loadMap,
  loadPacketProgram,
  makeRecentMap,
  multiply,
  multiply32,
  or,
  packet16,
  packet16At,
  packet32,
  packet8,
  type Program,
  type Register,
  set,
  shiftLeft,
  shiftRight,
  store32,
  store64,
} from "./bpf_linux.ts";
import { check, libc, SysError } from "./libc.ts";
import { set32le } from "../src/bytes.ts";

const TUNSETSTEERINGEBPF = 0x800454e0;

const MAP_LOOKUP = 1;
const MAP_UPDATE = 2;
/** Fragmented packets that are on their way through the kernel at the same time. */
const REMEMBERED = 1024;

/** 2^32 divided by the golden ratio: numbers that follow one another end up far apart. */
const SPREAD = 0x9e37_79b1;

// Registers 6 to 9 outlive reads of the packet and calls.
const ANSWER: Register = 0;
const CONTEXT: Register = 6;
/** The source, mixed. */
const SOURCE: Register = 7;
/** Of a fragment: who sends it to whom, mixed, and its number among those; 0 for a packet that is whole. */
const PACKET: Register = 8;
/** Where the ports are. */
const PORTS_AT: Register = 9;
const STACK: Register = 10;
const KEY_AT = -16;
const VALUE_AT = -4;

/** Lets the device's queues be chosen so. Fails with a `UserError` where the kernel does not allow it. */
export function steerBySource(fd: number, queues: number): void {
  try {
    const map = makeRecentMap(8, 4, REMEMBERED);
    try {
      attach(fd, loadPacketProgram(steering(map, queues)));
    } finally {
      // The program holds it.
      libc().close(map);
    }
  } catch (cause) {
    if (!(cause instanceof SysError)) throw cause;
    throw new UserError(`Cannot spread flows over ${queues} queues`, {
      cause,
      hint: "Run it as root outside of containers, or with one queue: `--workers 1`",
    });
  }
}

function attach(fd: number, program: number): void {
  try {
    const argument = new Uint8Array(128);
    set32le(argument, 0, program);
    check("TUNSETSTEERINGEBPF", libc().ioctl(fd, TUNSETSTEERINGEBPF, argument));
  } finally {
    libc().close(program);
  }
}

/** The number of the queue, from the packet; the device's packets start with the IP header. */
function steering(map: number, queues: number): Program {
  return [
    copy(CONTEXT, 1),
    set(PACKET, 0),
    packet8(0),
    shiftRight(ANSWER, 4),
    ifEqual(ANSWER, 6, "IPv6"),
    ...ipv4,
    "IPv6",
    ...ipv6,
    "transport",
    ifEqual(ANSWER, 6, "TCP or UDP"),
    ifNot(ANSWER, 17, "choose"),
    "TCP or UDP",
    packet16At(PORTS_AT),
    ...mixIn(SOURCE),
    ifEqual(PACKET, 0, "choose"),
    ...remember(map),
    "choose",
    // Scaled by its upper bits, as SPREAD leaves them well mixed.
    copy(ANSWER, SOURCE),
    multiply32(ANSWER, SPREAD),
    multiply(ANSWER, queues),
    shiftRight(ANSWER, 32),
    exit,
    "later fragment",
    ...recall(map),
    goto("choose"),
  ];
}

function mixIn(into: Register): Program {
  return [multiply32(into, SPREAD), add32(into, ANSWER)];
}

const ipv4: Program = [
  packet8(0),
  and(ANSWER, 15),
  shiftLeft(ANSWER, 2),
  copy(PORTS_AT, ANSWER),
  packet32(12),
  copy(SOURCE, ANSWER),
  packet16(6),
  and(ANSWER, 0x3fff),
  ifEqual(ANSWER, 0, "IPv4 transport"),
  copy(PACKET, SOURCE),
  packet32(16),
  ...mixIn(PACKET),
  packet8(9),
  ...mixIn(PACKET),
  shiftLeft(PACKET, 32),
  packet16(4),
  or(PACKET, ANSWER),
  packet16(6),
  and(ANSWER, 0x1fff),
  ifNot(ANSWER, 0, "later fragment"),
  "IPv4 transport",
  packet8(9),
  goto("transport"),
];

const NEXT_IS_FRAGMENT = 44;

const ipv6: Program = [
  set(PORTS_AT, 40),
  set(SOURCE, 0),
  ...[8, 12, 16, 20].flatMap((at) => [packet32(at), ...mixIn(SOURCE)]),
  packet8(6),
  ifNot(ANSWER, NEXT_IS_FRAGMENT, "transport"),
  set(PORTS_AT, 48),
  copy(PACKET, SOURCE),
  ...[24, 28, 32, 36].flatMap((at) => [packet32(at), ...mixIn(PACKET)]),
  packet8(40),
  ...mixIn(PACKET),
  shiftLeft(PACKET, 32),
  packet32(44),
  or(PACKET, ANSWER),
  packet16(42),
  and(ANSWER, 0xfff8),
  ifNot(ANSWER, 0, "later fragment"),
  packet8(40),
];

function remember(map: number): Program {
  return [
    store64(STACK, KEY_AT, PACKET),
    store32(STACK, VALUE_AT, SOURCE),
    ...loadMap(1, map),
    copy(2, STACK),
    add(2, KEY_AT),
    copy(3, STACK),
    add(3, VALUE_AT),
    set(4, 0),
    call(MAP_UPDATE),
  ];
}

function recall(map: number): Program {
  return [
    store64(STACK, KEY_AT, PACKET),
    ...loadMap(1, map),
    copy(2, STACK),
    add(2, KEY_AT),
    call(MAP_LOOKUP),
    ifEqual(ANSWER, 0, "choose"),
    load32(SOURCE, ANSWER),
  ];
}
