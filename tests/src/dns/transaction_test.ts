import { assert, assertEquals } from "@std/assert";
import { Transaction } from "../../../src/dns/transaction.ts";
import * as dns from "../../../src/wire/dns.ts";
import { MAX_ERROR_LENGTH } from "../../../src/wire/dns_answer.ts";
import { exchange } from "../../vectors/dns/messages.ts";
import { answerTo, queryOf } from "./fixtures.ts";

function transactionOf(query: Uint8Array): Transaction {
  return new Transaction(query, 0, query.length, 0xbeef, 1, "192.0.2.53:53", 0, 100, 10_000);
}

Deno.test("what goes upstream is the query under the new ID, framed for TCP in front of it", () => {
  const transaction = transactionOf(queryOf(7, "a"));
  assertEquals(transaction.query, queryOf(0xbeef, "a"));
  assertEquals(
    transaction.framed,
    Uint8Array.of(0, transaction.query.length, ...queryOf(0xbeef, "a")),
  );
  assertEquals([transaction.originalId, transaction.deadline], [7, 10_100]);
});

Deno.test("the client's limit is what it said with EDNS, and decides what is cut", () => {
  const { query, answer } = exchange("over-tcp");
  const plain = transactionOf(query);
  assertEquals([plain.payloadSize, transactionOf(exchange("edns4096").query).payloadSize], [
    512,
    4096,
  ]);
  const whole = answer.slice();
  assertEquals(
    transactionOf(exchange("edns4096").query).restore(whole, 0, whole.length),
    whole.length,
  );
  assert(!dns.isTruncated(whole, 0));
  const cut = answer.slice();
  assertEquals(plain.restore(cut, 0, cut.length), query.length);
  assert(dns.isTruncated(cut, 0));
});

Deno.test("an answer of exactly 512 bytes is not cut, one of 513 is", () => {
  const query = queryOf(7, "a");
  for (const length of [512, 513]) {
    const answer = answerTo(query, length - query.length);
    const end = transactionOf(query).restore(answer, 0, length);
    assertEquals(end, length === 512 ? 512 : query.length);
  }
});

Deno.test("an error is written under the client's ID", () => {
  const out = new Uint8Array(MAX_ERROR_LENGTH);
  const end = transactionOf(queryOf(7, "a")).writeError(out, 0, dns.Rcode.Refused, 0);
  assertEquals(end, queryOf(7, "a").length);
  assertEquals([dns.readId(out, 0), dns.readRcode(out, 0)], [7, dns.Rcode.Refused]);
});
