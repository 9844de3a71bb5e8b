import { assert, assertEquals } from "@std/assert";
import {
  type IcmpError,
  icmpTypeAndCode,
  isIcmpError,
  isTooBig,
  QUOTE_4,
  QUOTE_6,
} from "../../../src/wire/icmp.ts";

Deno.test("errors have the types and codes of RFC 792, 1812 and 4443", () => {
  const expected: Record<IcmpError, [number, number, number, number]> = {
    "network-unreachable": [3, 0, 1, 0],
    "host-unreachable": [3, 1, 1, 3],
    "port-unreachable": [3, 3, 1, 4],
    "prohibited": [3, 13, 1, 1],
    "too-big": [3, 4, 2, 0],
    "hop-limit": [11, 0, 3, 0],
    "reassembly-time": [11, 1, 3, 1],
  };
  for (const [name, codes] of Object.entries(expected)) {
    const four = icmpTypeAndCode(name as IcmpError, 4);
    const six = icmpTypeAndCode(name as IcmpError, 16);
    assertEquals([four.type, four.code, six.type, six.code], codes, name);
    assert(isIcmpError(four.type, 4) && isIcmpError(six.type, 16), name);
    assertEquals(isTooBig(four.type, four.code, 4), name === "too-big");
    assertEquals(isTooBig(six.type, six.code, 16), name === "too-big");
  }
});

Deno.test("what reports an error, and what does not", () => {
  const errors = (length: number) => {
    return Array.from({ length: 256 }, (_, type) => type).filter((type) =>
      isIcmpError(type, length)
    );
  };
  assertEquals(errors(4), [3, 4, 5, 11, 12]);
  assertEquals(errors(16), Array.from({ length: 128 }, (_, type) => type));
});

Deno.test("with its headers an error fits where everybody takes it", () => {
  assertEquals(20 + 8 + QUOTE_4, 576);
  assertEquals(40 + 8 + QUOTE_6, 1280);
});
