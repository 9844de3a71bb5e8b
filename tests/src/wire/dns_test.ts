import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import * as dns from "../../../src/wire/dns.ts";
import { exchange, exchanges, hostile, longestName, unhex } from "../../vectors/dns/messages.ts";

/** The message in the middle of a larger buffer, as packets are. */
function embedded(message: Uint8Array): { bytes: Uint8Array; at: number; end: number } {
  const bytes = new Uint8Array(message.length + 32).fill(0xaa);
  bytes.set(message, 16);
  return { bytes, at: 16, end: 16 + message.length };
}

Deno.test("every captured query is a query, and no answer is", () => {
  for (const { name, query, answer } of exchanges) {
    const q = embedded(query);
    assert(dns.isQuery(q.bytes, q.at, q.end), name);
    assert(!dns.isQuery(answer, 0, answer.length), name);
    assert(dns.isResponse(answer, 0), name);
  }
});

Deno.test("a query cut anywhere in front of its question's end is none", () => {
  const { query } = exchange("a");
  for (let end = 0; end < query.length; end++) assert(!dns.isQuery(query, 0, end), `${end}`);
});

Deno.test("the header's fields are read where they are", () => {
  const { answer } = exchange("truncated");
  assertEquals(dns.readId(answer, 0), 0xc278);
  assertEquals(dns.readFlags(answer, 0), 0x8780);
  assert(dns.isTruncated(answer, 0));
  assertEquals(dns.readOpcode(answer, 0), 0);
  assertEquals(dns.readRcode(answer, 0), dns.Rcode.NoError);
  assertEquals(dns.readQuestionCount(answer, 0), 1);
  assertEquals(dns.readAnswerCount(answer, 0), 7);
  assertEquals(dns.readRcode(exchange("nxdomain").answer, 0), dns.Rcode.NXDomain);
  assertEquals(dns.readAdditionalCount(exchange("nxdomain").answer, 0), 1);
  assertEquals(dns.readAuthorityCount(exchange("nxdomain").answer, 0), 0);
});

Deno.test("TC is set and cleared without touching the other flags", () => {
  const { answer } = exchange("truncated");
  dns.clearTruncated(answer, 0);
  assertEquals(dns.readFlags(answer, 0), 0x8580);
  dns.setTruncated(answer, 0);
  assertEquals(dns.readFlags(answer, 0), 0x8780);
});

Deno.test("the question's type and class stand in front of its end", () => {
  const { query } = exchange("https");
  const stop = dns.questionEnd(query, 0, query.length);
  assertEquals(stop, 12 + "svc.example".length + 2 + 4);
  assertEquals(dns.readQuestionType(query, stop), 65);
  assertEquals(dns.readQuestionClass(query, stop), 1);
});

Deno.test("a name of 255 bytes is taken, one of 256 is not", () => {
  assertEquals(dns.questionEnd(longestName, 0, longestName.length), longestName.length);
  const tooLong = hostile["name of 256 bytes"]!;
  assertEquals(tooLong.length, longestName.length + 1);
  assertEquals(dns.questionEnd(tooLong, 0, tooLong.length), -1);
});

Deno.test("hostile messages are no queries", () => {
  for (const [name, message] of Object.entries(hostile)) {
    if (name === "option record cut short") continue; // its question is in order
    const { bytes, at, end } = embedded(message);
    assert(!dns.isQuery(bytes, at, end), name);
  }
});

Deno.test("NOTIFY and UPDATE are carried, several questions at once are not", () => {
  assert(dns.isQuery(unhex("0001 2400 0001 0000 0000 0000 0161 00 0006 0001"), 0, 19));
  assert(dns.isQuery(unhex("0001 2800 0001 0000 0000 0000 0161 00 0006 0001"), 0, 19));
  const two = unhex("0001 0100 0002 0000 0000 0000 0161 00 0001 0001 0161 00 0001 0001");
  assert(!dns.isQuery(two, 0, two.length));
});

Deno.test("a question matches its answer whatever the case, and nothing else", () => {
  for (const { name, query, answer } of exchanges) {
    const q = embedded(query);
    assert(dns.questionEquals(q.bytes, q.at, q.end, answer, 0, answer.length), name);
  }
  const { query, answer } = exchange("mixed-case-dnssec");
  for (let i = 12; i < 12 + 13; i++) {
    const code = answer[i]!;
    if (code >= 0x61) answer[i] = code ^ 0x20;
  }
  assertNotEquals(answer.subarray(12, 25), query.subarray(12, 25));
  assert(dns.questionEquals(query, 0, query.length, answer, 0, answer.length));
  const doubled = query.slice();
  doubled[5] = 2;
  assert(!dns.questionEquals(doubled, 0, doubled.length, query, 0, query.length));
  const other = exchange("a").query;
  const sameNameOtherType = exchange("aaaa").query;
  assert(!dns.questionEquals(other, 0, other.length, query, 0, query.length));
  assert(
    !dns.questionEquals(other, 0, other.length, sameNameOtherType, 0, sameNameOtherType.length),
  );
});

Deno.test("folding case does not make different names alike", () => {
  // "@" and "`", "[" and "{" differ by the bit that upper and lower case differ by.
  for (const [one, other] of [["40", "60"], ["5b", "7b"]]) {
    const a = unhex(`0001 0100 0001 0000 0000 0000 01${one} 00 0001 0001`);
    const b = unhex(`0001 0100 0001 0000 0000 0000 01${other} 00 0001 0001`);
    assert(!dns.questionEquals(a, 0, a.length, b, 0, b.length));
  }
});

Deno.test("property: a question is found exactly when its labels were well formed", () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
  fc.assert(
    fc.property(fc.array(label, { maxLength: 8 }), fc.nat(40), (labels, cut) => {
      const name = labels.flatMap((bytes) => [bytes.length, ...bytes]);
      const message = Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, 1, 0, 1]);
      const end = message.length - cut;
      const wellFormed = name.length + 1 <= dns.MAX_NAME && cut === 0;
      const { bytes, at } = embedded(message);
      assertEquals(dns.questionEnd(bytes, at, at + Math.max(0, end)), wellFormed ? at + end : -1);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("property: nothing throws on any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
      const stop = dns.questionEnd(a, 0, a.length);
      assert(stop === -1 || (stop >= 17 && stop <= a.length));
      dns.isQuery(a, 0, a.length);
      const oneWay = dns.questionEquals(a, 0, a.length, b, 0, b.length);
      assertEquals(oneWay, dns.questionEquals(b, 0, b.length, a, 0, a.length));
    }),
  );
});
