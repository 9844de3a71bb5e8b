import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { FlowTable } from "../../../src/stack/flow_table.ts";
import { SipHash } from "../../../src/stack/siphash.ts";
import { FAR4, HOST4, join } from "./packets.ts";

const ADDRESSES = join(HOST4, FAR4);

function makeTable(): FlowTable<number> {
  return new FlowTable(new SipHash(new Uint8Array(8).fill(3)));
}

const step = fc.record({
  kind: fc.constantFrom("insert", "insert", "delete", "find"),
  key: fc.nat(300),
});

Deno.test("flow table: the same as a Map", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 900 }), (steps) => {
      const table = makeTable();
      const twin = new Map<number, number>();
      for (const [value, { kind, key }] of steps.entries()) {
        table.setKey(ADDRESSES, 0, 4, 4, key, key % 3);
        assertEquals(table.find(), twin.get(key));
        if (kind === "insert" && !twin.has(key)) {
          table.insert(value);
          twin.set(key, value);
        } else if (kind === "delete") assertEquals(table.delete(), twin.delete(key));
        assertEquals(table.size, twin.size);
      }
      const seen: number[] = [];
      table.forEach((value) => seen.push(value));
      assertEquals(seen.sort(), [...twin.values()].sort());
    }),
    { numRuns: 60 },
  );
});

Deno.test("flow table: grows to many, shrinks back, and finds all that are left", () => {
  const table = makeTable();
  for (let key = 0; key < 20_000; key++) {
    table.setKey(ADDRESSES, 0, 4, 4, key, 0);
    table.insert(key);
  }
  for (let key = 0; key < 20_000; key++) {
    if (key % 1_000 === 7) continue;
    table.setKey(ADDRESSES, 0, 4, 4, key, 0);
    assertEquals(table.delete(), true);
  }
  assertEquals(table.size, 20);
  for (let key = 7; key < 20_000; key += 1_000) {
    table.setKey(ADDRESSES, 0, 4, 4, key, 0);
    assertEquals(table.find(), key);
  }
});

Deno.test("flow table: every part of the key counts, and IPv4 is not IPv6", () => {
  const table = makeTable();
  const mapped = join(new Uint8Array(10), [0xff, 0xff], HOST4, new Uint8Array(12), FAR4);
  const keys: Parameters<typeof table.setKey>[] = [
    [ADDRESSES, 0, 4, 4, 1, 2],
    [ADDRESSES, 4, 0, 4, 1, 2],
    [ADDRESSES, 0, -1, 4, 1, 2],
    [ADDRESSES, 0, 4, 4, 2, 1],
    [mapped, 0, 16, 16, 1, 2],
  ];
  for (const [i, key] of keys.entries()) {
    table.setKey(...key);
    assertEquals(table.find(), undefined);
    table.insert(i);
  }
  for (const [i, key] of keys.entries()) {
    table.setKey(...key);
    assertEquals(table.find(), i);
  }
});
