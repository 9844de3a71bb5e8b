import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import * as dns from "../../../src/wire/dns.ts";
import {
  EXTENDED_NETWORK_ERROR,
  MAX_ERROR_LENGTH,
  truncate,
  writeError,
} from "../../../src/wire/dns_answer.ts";
import { findOpt, questionsEnd, skipRecord } from "../../../src/wire/dns_records.ts";
import {
  cookieAnswer,
  exchange,
  exchanges,
  longestName,
  unhex,
} from "../../vectors/dns/messages.ts";
import { mutated, watched } from "../../vectors/dns/mutations.ts";

Deno.test("an answer that fits is left as it is", () => {
  for (const { answer } of exchanges) {
    const copy = answer.slice();
    assertEquals(truncate(copy, 0, copy.length, copy.length), copy.length);
    assertEquals(copy, answer);
  }
});

Deno.test("a long answer from TCP becomes header and question with TC", () => {
  const { query, answer } = exchange("over-tcp");
  const end = truncate(answer, 0, answer.length, 512);
  const expected = query.slice();
  dns.writeFlags(expected, 0, 0x8780);
  assertEquals(answer.subarray(0, end), expected);
});

Deno.test("OPT stays whole if it fits, then without options, then goes", () => {
  const cut = (limit: number) => {
    const answer = cookieAnswer.slice();
    return answer.subarray(0, truncate(answer, 0, answer.length, limit));
  };
  const question = questionsEnd(cookieAnswer, 0, cookieAnswer.length);
  const opt = findOpt(cookieAnswer, 0, cookieAnswer.length);
  const whole = cut(cookieAnswer.length - 1);
  assertEquals(whole.subarray(question), cookieAnswer.subarray(opt));
  assertEquals([...whole.subarray(2, 12)], [0x83, 0x80, 0, 1, 0, 0, 0, 0, 0, 1]);
  const optLength = cookieAnswer.length - opt;
  assertEquals(cut(question + optLength).length, question + optLength);
  assertEquals(cut(question + optLength - 1).length, question + 11);
  const bare = cut(question + 11);
  assertEquals(bare.subarray(question), unhex("00 0029 04d0 0000 8000 0000"));
  const without = cut(question + 10);
  assertEquals(without.length, question);
  assertEquals(dns.readAdditionalCount(without, 0), 0);
  const header = cut(question - 1);
  assertEquals(header, unhex("1234 8380 0000 0000 0000 0000"));
  assertEquals(truncate(cookieAnswer.slice(), 0, cookieAnswer.length, 11), -1);
});

Deno.test("property: what truncate leaves is whole and within the limit", () => {
  fc.assert(
    fc.property(mutated(), fc.integer({ min: 0, max: 600 }), (message, limit) => {
      const { bytes, at, end } = watched(message);
      const stop = truncate(bytes, at, end, limit);
      if (message.length < 12 || limit < 12) return assertEquals(stop, -1);
      assert(stop - at <= limit && stop <= end);
      if (message.length <= limit) return assertEquals(stop, end);
      assert(dns.isTruncated(bytes, at));
      const p = questionsEnd(bytes, at, stop);
      const additional = dns.readAdditionalCount(bytes, at);
      assertEquals(additional === 0 ? p : skipRecord(bytes, p, stop), stop);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("an error answers the question, with EDNS only for those who use it", () => {
  const out = new Uint8Array(MAX_ERROR_LENGTH + 4);
  const plain = exchange("a").query;
  const end = writeError(
    plain,
    0,
    plain.length,
    dns.Rcode.ServFail,
    EXTENDED_NETWORK_ERROR,
    out,
    4,
  );
  assertEquals(
    out.subarray(4, end),
    unhex("6769 8182 0001 0000 0000 0000 05616c706861 076578616d706c65 00 0001 0001"),
  );
  const edns = exchange("aaaa").query;
  const long = writeError(edns, 0, edns.length, dns.Rcode.ServFail, EXTENDED_NETWORK_ERROR, out, 0);
  assertEquals(
    out.subarray(0, long),
    unhex(`4997 8182 0001 0000 0000 0001 05616c706861 076578616d706c65 00 001c 0001
      00 0029 04d0 00000000 0006 000f 0002 0017`),
  );
});

Deno.test("the longest question's error fits, and nothing but a query gets one", () => {
  const out = new Uint8Array(MAX_ERROR_LENGTH);
  assertEquals(
    writeError(longestName, 0, longestName.length, 2, 23, out, 0),
    MAX_ERROR_LENGTH - 17,
  );
  const { answer } = exchange("a");
  assertEquals(writeError(answer, 0, answer.length, 2, 23, out, 0), -1);
});

Deno.test("property: an error to anything that passes for a query is well formed", () => {
  fc.assert(
    fc.property(mutated(), (message) => {
      const out = new Uint8Array(MAX_ERROR_LENGTH);
      const { bytes, at, end } = watched(message);
      const stop = writeError(bytes, at, end, dns.Rcode.ServFail, EXTENDED_NETWORK_ERROR, out, 0);
      assertEquals(stop >= 0, dns.isQuery(bytes, at, end));
      if (stop < 0) return;
      assert(dns.questionEquals(bytes, at, end, out, 0, stop));
      assertEquals(dns.readId(out, 0), dns.readId(bytes, at));
      assertEquals(dns.readRcode(out, 0), dns.Rcode.ServFail);
      assert(dns.isResponse(out, 0));
    }),
    { numRuns: 1000 },
  );
});
