/**
 * What a proxy says: to the handshake, in any pieces and followed by anything; and in the headers of the
 * datagrams that it relays.
 */

import { relayAddress } from "../../src/outbound/socks5/relay_address.ts";
import { Socks5Handshake } from "../../src/outbound/socks5/handshake.ts";
import {
  newUdpHeader,
  readUdpHeader,
  udpHeaderLength,
  writeUdpHeader,
} from "../../src/wire/socks5.ts";
import { byteTarget } from "./byte_target.ts";
import type { Random } from "./random.ts";
import { hold } from "./target.ts";

const PROXY = new Uint8Array([192, 0, 2, 7]);
const TARGET = { kind: "ip", address: new Uint8Array([192, 0, 2, 1]), port: 80 } as const;

/** Greeting, password and request. */
const MOST_WRITTEN = 4 + 5 + 10;

const REPLY_4 = [5, 0, 0, 1, 10, 0, 0, 1, 4, 56];
const REPLY_6 = [5, 0, 0, 4, 0x20, 1, 0xd, 0xb8, ...new Array(12).fill(1), 4, 56];
const REPLY_NAME = [5, 0, 0, 3, 5, 0x68, 0x2e, 0x6e, 0x65, 0x74, 4, 56];
const SPEECHES = [
  [5, 0, ...REPLY_4, 1, 2, 3],
  [5, 2, 1, 0, ...REPLY_6],
  [5, 2, 1, 1],
  [5, 0, ...REPLY_NAME, 9],
  [5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0],
  [5, 255],
  [5, 0, 5, 0, 0, 3, 255, ...new Array(255).fill(0x61), 0, 80],
].map((bytes) => Uint8Array.from(bytes));

export const handshakeTarget = byteTarget({
  name: "socks5-handshake",
  examples: SPEECHES,
  start: () => feedHandshake,
});

function feedHandshake(bytes: Uint8Array, at: number, end: number, random: Random): void {
  const whole = converse(random.next(), bytes, at, end, end - at);
  const pieces = converse(whole.seed, bytes, at, end, 1 + random.below(4));
  // One message at a time, an answer in the same read as the one before it comes unasked; in a read of
  // its own nobody can tell.
  const same = whole.outcome === pieces.outcome || whole.outcome === "failed unasked";
  hold(same, `${whole.outcome} whole, ${pieces.outcome} in pieces`);
}

/** Plays the proxy's bytes to a handshake in pieces of `size`; the options follow from `seed`. */
function converse(
  seed: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  size: number,
): { seed: number; outcome: string } {
  const machine = new Socks5Handshake({
    command: seed & 1 ? "connect" : "associate",
    target: TARGET,
    credentials: seed & 2 ? { user: "u", password: "p" } : undefined,
    pipelined: (seed & 4) !== 0,
    method: seed & 8 ? 2 : undefined,
  });
  let written = machine.start().length;
  let taken = 0;
  for (let from = at; from < end; from += size) {
    const to = Math.min(from + size, end);
    const count = machine.receive(bytes, from, to);
    hold(count >= 0 && count <= to - from, `${count} bytes of ${to - from} were taken`);
    if (count < to - from) hold(isOver(machine), "bytes were left in the middle");
    taken += count;
    written += machine.takeOutput()?.length ?? 0;
  }
  const { state, bound, failure } = machine;
  hold((state === "done") === (bound !== undefined), "done without an address, or the reverse");
  hold((state === "failed") === (failure !== undefined), "failed without a reason, or the reverse");
  if (bound !== undefined) hold([4, 16].includes(relayAddress(bound, PROXY).length), "no address");
  machine.closed();
  hold(isOver(machine), "closed, and not over");
  hold(written <= MOST_WRITTEN, `${written} bytes were written`);
  // What is taken of rubbish depends on the pieces; of a success it must not.
  const unasked = failure?.message.includes("before it was asked") === true;
  return { seed, outcome: state === "done" ? `done ${taken}` : unasked ? "failed unasked" : state };
}

function isOver(machine: Socks5Handshake): boolean {
  return machine.state === "done" || machine.state === "failed";
}

const DATAGRAMS = [
  [0, 0, 0, 1, 192, 0, 2, 1, 0, 53, 1, 2, 3],
  [0, 0, 0, 4, ...new Array(16).fill(1), 0, 53, 1, 2, 3],
  [0, 0, 1, 1, 192, 0, 2, 1, 0, 53],
  [0, 0, 0, 3, 3, 0x61, 0x2e, 0x62, 0, 53, 1],
].map((bytes) => Uint8Array.from(bytes));

export const datagramTarget = byteTarget({
  name: "socks5-udp",
  examples: DATAGRAMS,
  start: () => feedDatagram,
});

const header = newUdpHeader();

function feedDatagram(bytes: Uint8Array, at: number, end: number): void {
  if (!readUdpHeader(bytes, at, end, header)) return;
  const { addressAt, addressLength, addressType, payloadAt, port } = header;
  hold(addressAt > at && addressAt + addressLength + 2 === payloadAt, "the address lies elsewhere");
  hold(payloadAt <= end && addressLength > 0, "the payload begins behind the end");
  hold(port >= 0 && port <= 65_535, `port ${port}`);
  if (addressType === 3) return;
  const again = new Uint8Array(udpHeaderLength(addressLength));
  hold(
    writeUdpHeader(again, 0, bytes, addressAt, addressLength, port) === payloadAt - at,
    "length",
  );
  for (let i = 3; i < again.length; i++) hold(again[i] === bytes[at + i], "written differently");
}
