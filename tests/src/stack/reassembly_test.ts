/** Fragments, as the stack sees them: in any order, with overlaps, within bounds, for a time. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Harness, only } from "./harness.ts";
import { FAR4, FAR6, HOST4, HOST6, ipPacket, join, summed } from "./packets.ts";

interface Piece {
  from: number;
  to: number;
}

/** A UDP datagram's upper part, which is what is cut. */
function datagram(ipv6: boolean, length: number): Uint8Array {
  const addresses = ipv6
    ? { source: HOST6, destination: FAR6 }
    : { source: HOST4, destination: FAR4 };
  const size = length + 8;
  const upper = new Uint8Array(size).map((_, i) => i & 255);
  upper.set([0, 7, 0, 9, size >> 8, size & 255]);
  return summed({ ...addresses, protocol: 17 }, upper, 6);
}

function fragment(ipv6: boolean, upper: Uint8Array, { from, to }: Piece, id = 1): Uint8Array {
  return ipPacket({
    source: ipv6 ? HOST6 : HOST4,
    destination: ipv6 ? FAR6 : FAR4,
    protocol: 17,
    payload: upper.slice(from, to),
    fragment: { offset: from, more: to < upper.length, id },
  });
}

/** Cuts at random multiples of eight. */
function cuts(length: number): fc.Arbitrary<Piece[]> {
  return fc.array(fc.integer({ min: 1, max: Math.ceil(length / 8) - 1 }), { maxLength: 12 })
    .map((places) => {
      const edges = [...new Set([0, ...places.map((n) => 8 * n), length])].sort((a, b) => a - b);
      return edges.slice(1).map((to, i) => ({ from: edges[i]!, to }));
    });
}

Deno.test("reassembly: pieces in any order, some twice, make the datagram once", () => {
  for (const ipv6 of [false, true]) {
    const upper = datagram(ipv6, 1_000);
    const orders = cuts(upper.length).filter((pieces) => pieces.length > 1).chain((pieces) =>
      fc.tuple(
        fc.shuffledSubarray(pieces, { minLength: pieces.length }),
        fc.constantFrom(...pieces),
      )
    );
    fc.assert(
      fc.property(orders, ([pieces, twice]) => {
        const harness = new Harness();
        const last = pieces.at(-1)!;
        const early = twice === last ? [] : [twice];
        for (const piece of [...pieces.slice(0, -1), ...early, last]) {
          assertEquals(harness.datagrams, []);
          harness.receive(fragment(ipv6, upper, piece));
        }
        assertEquals(harness.datagrams.length, 1);
        assertEquals(harness.datagrams[0]!.payload, upper.slice(8));
        harness.checkEmpty();
      }),
      { numRuns: 50 },
    );
  }
});

Deno.test("reassembly: pieces that overlap discard the whole packet (RFC 5722)", () => {
  for (const ipv6 of [false, true]) {
    const upper = datagram(ipv6, 56);
    const harness = new Harness();
    harness.receive(fragment(ipv6, upper, { from: 0, to: 32 }));
    harness.receive(fragment(ipv6, upper, { from: 24, to: 48 }));
    assertEquals([harness.counters.dropFragmentOverlap, harness.stack.reassembly.size], [1, 0]);
    harness.checkEmpty();
  }
});

Deno.test("reassembly: nothing may lie behind the last piece, whichever comes first", () => {
  const upper = datagram(false, 56);
  const long = join(upper, new Uint8Array(64));
  for (const lastFirst of [true, false]) {
    const harness = new Harness();
    const last = fragment(false, upper, { from: 40, to: upper.length });
    const behind = fragment(false, long, { from: 72, to: 80 });
    harness.receive(...(lastFirst ? [last, behind] : [behind, last]));
    assertEquals(harness.stack.reassembly.size, 0);
    assertEquals(harness.datagrams, []);
  }
});

Deno.test("reassembly: a hole is never filled with what the slot held before", () => {
  const upper = datagram(false, 16);
  const long = join(upper, new Uint8Array(64));
  const harness = new Harness();
  harness.receive(
    fragment(false, long, { from: 0, to: 8 }),
    fragment(false, long, { from: 32, to: 40 }),
    fragment(false, upper, { from: 16, to: 24 }),
  );
  assertEquals(harness.datagrams, []);
});

Deno.test("reassembly: what is out of proportion is dropped", () => {
  const upper = datagram(false, 56);
  const harness = new Harness();
  const empty = { source: HOST4, destination: FAR4, protocol: 17, payload: new Uint8Array() };
  harness.receive(
    ipPacket({ ...empty, fragment: { offset: 8, more: true, id: 1 } }),
    fragment(false, upper, { from: 0, to: 12 }),
    ipPacket({
      ...empty,
      payload: new Uint8Array(64),
      fragment: { offset: 65_504, more: false, id: 2 },
    }),
  );
  assertEquals([harness.counters.dropMalformed, harness.stack.reassembly.size], [3, 0]);
});

Deno.test("reassembly: at the bound the oldest goes", () => {
  const upper = datagram(false, 56);
  const harness = new Harness();
  for (let id = 1; id <= 9; id++) harness.receive(fragment(false, upper, { from: 0, to: 32 }, id));
  assertEquals([harness.stack.reassembly.size, harness.counters.dropFragmentLimit], [8, 1]);
  harness.receive(fragment(false, upper, { from: 32, to: upper.length }, 9));
  assertEquals(harness.datagrams.length, 1);
  harness.stack.reassembly.clear();
  harness.checkEmpty();
});

Deno.test("reassembly: after its time the first piece is quoted in an error, the others are silent", () => {
  for (const ipv6 of [false, true]) {
    const upper = datagram(ipv6, 156);
    const harness = new Harness();
    harness.receive(
      fragment(ipv6, upper, { from: 0, to: 40 }),
      fragment(ipv6, upper, { from: 80, to: 120 }),
    );
    assertEquals(harness.wait(14_999), []);
    const error = only(harness.wait(1));
    assertEquals([error.payload[0], error.payload[1]], ipv6 ? [3, 1] : [11, 1]);
    assertEquals(error.destination, ipv6 ? HOST6 : HOST4);
    assertEquals(
      error.payload.slice(8 + (ipv6 ? 40 : 20)),
      upper.slice(0, 40),
      "not beyond the gap",
    );
    harness.receive(fragment(ipv6, upper, { from: 80, to: 120 }));
    assertEquals(harness.wait(20_000), []);
    harness.checkEmpty();
  }
});

Deno.test("reassembly: an atomic fragment is whole (RFC 6946)", () => {
  const upper = datagram(true, 10);
  const harness = new Harness();
  harness.receive(fragment(true, upper, { from: 0, to: upper.length }));
  assertEquals(harness.datagrams.length, 1);
  assertEquals(harness.counters.fragmentsReceived, 0);
});

Deno.test("reassembly: extension headers in front of the fragment header stay in front", () => {
  const upper = datagram(true, 40);
  const harness = new Harness();
  for (const piece of [{ from: 0, to: 24 }, { from: 24, to: upper.length }]) {
    harness.receive(ipPacket({
      source: HOST6,
      destination: FAR6,
      protocol: 17,
      payload: upper.slice(piece.from, piece.to),
      fragment: { offset: piece.from, more: piece.to < upper.length, id: 5 },
      extensions: { first: 60, bytes: new Uint8Array([44, 0, 1, 4, 0, 0, 0, 0]) },
    }));
  }
  assertEquals(harness.datagrams[0]?.payload, upper.slice(8));
});
