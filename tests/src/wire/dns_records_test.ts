import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { get16 } from "../../../src/bytes.ts";
import * as records from "../../../src/wire/dns_records.ts";
import { cookieAnswer, exchange, exchanges, hostile, unhex } from "../../vectors/dns/messages.ts";
import { mutated, watched } from "../../vectors/dns/mutations.ts";

Deno.test("walking all records of a capture ends at its end", () => {
  for (const { name, answer } of exchanges) {
    let p = records.questionsEnd(answer, 0, answer.length);
    const count = get16(answer, 6) + get16(answer, 8) + get16(answer, 10);
    for (let i = 0; i < count; i++) p = records.skipRecord(answer, p, answer.length);
    assertEquals(p, answer.length, name);
  }
});

Deno.test("the payload size is EDNS's, at least 512, and 512 without EDNS", () => {
  const sizes = Object.fromEntries(
    exchanges.map(({ name, query }) => [name, records.readUdpPayloadSize(query, 0, query.length)]),
  );
  assertEquals(sizes["a"], 512);
  assertEquals(sizes["aaaa"], 1232);
  assertEquals(sizes["edns4096"], 4096);
  const { query } = exchange("aaaa");
  const opt = records.findOpt(query, 0, query.length);
  query[opt + 3] = 0;
  query[opt + 4] = 100;
  assertEquals(records.readUdpPayloadSize(query, 0, query.length), 512);
});

Deno.test("OPT is found behind other records, and only among the additional ones", () => {
  const opt = records.findOpt(cookieAnswer, 0, cookieAnswer.length);
  assertEquals(records.skipRecord(cookieAnswer, opt, cookieAnswer.length), cookieAnswer.length);
  const misplaced = cookieAnswer.slice();
  misplaced[7] = 2; // two answers …
  misplaced[11] = 0; // … and nothing additional
  assertEquals(records.findOpt(misplaced, 0, misplaced.length), -1);
});

Deno.test("a message cut anywhere has no OPT, and is not read behind the cut", () => {
  for (const message of [cookieAnswer, exchange("srv").answer, exchange("aaaa").query]) {
    for (let length = 0; length < message.length; length++) {
      const { bytes, at, end } = watched(message.slice(0, length));
      assertEquals(records.findOpt(bytes, at, end), -1, `${length}`);
    }
  }
});

Deno.test("a name ends at its zero or its pointer, whole, or not at all", () => {
  const end = (hex: string) => records.skipName(unhex(hex), 0, unhex(hex).length);
  assertEquals(["00", "016100", "c00c", "0161c00c"].map(end), [1, 3, 2, 4]);
  assertEquals(["", "c0", "0161", "0161c0", "41", "80"].map(end), Array(6).fill(-1));
});

Deno.test("hostile messages have no OPT", () => {
  for (const [name, message] of Object.entries(hostile)) {
    assertEquals(records.findOpt(message, 0, message.length), -1, name);
  }
});

Deno.test("property: mutated captures are walked inside their bounds, in bounded steps", () => {
  fc.assert(
    fc.property(mutated(), (message) => {
      const { bytes, at, end, reads } = watched(message);
      const opt = records.findOpt(bytes, at, end);
      assert(opt === -1 || (opt >= at + 12 && opt + records.OPT_LENGTH <= end));
      assert(records.readUdpPayloadSize(bytes, at, end) >= 512);
      assert(reads() <= 8 * message.length + 64, `${reads()} reads of ${message.length} bytes`);
    }),
    { numRuns: 1000 },
  );
});
