import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  get16,
  get16le,
  get32,
  get32le,
  get8,
  sameBytes,
  set16,
  set16le,
  set32,
  set32le,
} from "../../src/bytes.ts";

const word = fc.nat(0xffff);
const long = fc.nat(0xffff_ffff);
const place = fc.nat(8);

Deno.test("network order is what a DataView reads and writes", () => {
  fc.assert(fc.property(word, long, place, (small, large, at) => {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    set16(bytes, at, small);
    assertEquals([view.getUint16(at), get16(bytes, at)], [small, small]);
    set32(bytes, at, large);
    assertEquals([view.getUint32(at), get32(bytes, at)], [large, large]);
    assertEquals(get8(bytes, at), large >>> 24);
  }));
});

Deno.test("little-endian twins are what a DataView reads and writes", () => {
  fc.assert(fc.property(word, long, place, (small, large, at) => {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    set16le(bytes, at, small);
    assertEquals([view.getUint16(at, true), get16le(bytes, at)], [small, small]);
    set32le(bytes, at, large);
    assertEquals([view.getUint32(at, true), get32le(bytes, at)], [large, large]);
  }));
});

Deno.test("neighbours are not touched, and negative numbers are written as their 32 bits", () => {
  const bytes = new Uint8Array(6).fill(0xee);
  set16(bytes, 1, 0x1_2345);
  assertEquals([...bytes], [0xee, 0x23, 0x45, 0xee, 0xee, 0xee]);
  set32(bytes, 1, -2);
  assertEquals([...bytes], [0xee, 0xff, 0xff, 0xff, 0xfe, 0xee]);
  assertEquals(get32(bytes, 1), 0xffff_fffe);
});

Deno.test("sameBytes compares so many bytes, wherever they lie", () => {
  const a = new Uint8Array([9, 1, 2, 3, 9]);
  const b = new Uint8Array([1, 2, 3, 4]);
  assert(sameBytes(a, 1, b, 0, 3));
  assert(!sameBytes(a, 1, b, 0, 4));
  assert(sameBytes(a, 4, b, 3, 0));
});
