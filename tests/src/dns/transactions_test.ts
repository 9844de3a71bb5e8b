import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import type { Transaction } from "../../../src/dns/transaction.ts";
import { Transactions, type TransactionSettings } from "../../../src/dns/transactions.ts";
import * as dns from "../../../src/wire/dns.ts";
import { MAX_ERROR_LENGTH } from "../../../src/wire/dns_answer.ts";
import { exchange, exchanges, hostile } from "../../vectors/dns/messages.ts";
import { answerTo, queryOf, random16 } from "./fixtures.ts";

const SERVER = "192.0.2.53:53";

class Bench {
  readonly table: Transactions;
  now = 1000;

  constructor(settings: Partial<TransactionSettings> = {}, random: () => number = random16()) {
    this.table = new Transactions(random, settings);
  }

  begin(query: Uint8Array, client = 1, server = SERVER): Transaction {
    const transaction = this.table.begin(query, 0, query.length, client, server, this.now);
    if (transaction === undefined) throw new Error("not taken");
    return transaction;
  }

  match(answer: Uint8Array, server = SERVER): Transaction | undefined {
    return this.table.match(answer, 0, answer.length, server, this.now);
  }

  expire(): Transaction[] {
    const gone: Transaction[] = [];
    this.table.expire(this.now, (transaction) => gone.push(transaction));
    return gone;
  }
}

Deno.test("every captured exchange goes through under another ID and comes back under its own", () => {
  const bench = new Bench();
  for (const { name, query, answer } of exchanges) {
    const transaction = bench.begin(query);
    assertNotEquals(transaction.id, dns.readId(query, 0));
    assertEquals(transaction.query.subarray(2), query.subarray(2), name);
    assertEquals(transaction.framed.subarray(0, 2), Uint8Array.of(0, query.length), name);
    const wire = answer.slice();
    dns.writeId(wire, 0, transaction.id);
    bench.now += 5;
    assertStrictEquals(bench.match(wire), transaction, name);
    const end = transaction.restore(wire, 0, wire.length);
    if (name === "over-tcp") {
      assert(end <= 512 && dns.isTruncated(wire, 0));
      assertEquals(dns.readId(wire, 0), dns.readId(query, 0));
    } else assertEquals(wire.subarray(0, end), answer, name);
  }
  assertEquals(bench.table.inFlight, 0);
  const { queries, answers, latency } = bench.table.figures;
  assertEquals([queries, answers, latency.count], Array(3).fill(exchanges.length));
  assertEquals([latency.min, latency.max, latency.mean, latency.last], [5, 5, 5, 5]);
});

Deno.test("the query is a copy: what the packet's memory holds later does not matter", () => {
  const bench = new Bench();
  const packet = queryOf(7, "a");
  const transaction = bench.begin(packet);
  packet.fill(0);
  assertEquals(transaction.query.subarray(2), queryOf(7, "a").subarray(2));
});

Deno.test("an answer counts only from the server asked, to the question asked", () => {
  const bench = new Bench();
  const transaction = bench.begin(queryOf(7, "a"));
  const answer = answerTo(transaction.query);
  assertEquals(bench.match(answer, "198.51.100.1:53"), undefined);
  const other = answerTo(queryOf(transaction.id, "b"));
  assertEquals(bench.match(other), undefined);
  assertEquals(bench.match(answerTo(queryOf(transaction.id, "a", 28))), undefined);
  assertEquals(bench.table.figures.mismatched, 3);
  assertEquals(bench.match(answerTo(queryOf(transaction.id ^ 1, "a"))), undefined);
  assertEquals(bench.match(transaction.query), undefined);
  assertEquals(bench.match(answer.subarray(0, 11)), undefined);
  assertEquals(bench.table.figures.unexpected, 3);
  assertStrictEquals(bench.match(answer), transaction);
  assertEquals(bench.match(answer), undefined);
  assertEquals(bench.table.figures.unexpected, 4);
});

Deno.test("an error without its question is taken, a success without it is not", () => {
  const header = (id: number, flags: number) => {
    const bytes = new Uint8Array(12);
    dns.writeId(bytes, 0, id);
    dns.writeFlags(bytes, 0, flags);
    return bytes;
  };
  for (
    const [flags, taken] of [
      [0x8181, true],
      [0x8182, true],
      [0x8184, true],
      [0x8185, true],
      [0x8380, true],
      [0x8180, false],
      [0x8183, false],
    ] as const
  ) {
    const bench = new Bench();
    const transaction = bench.begin(queryOf(7, "a"));
    assertEquals(bench.match(header(transaction.id, flags)) === transaction, taken, `${flags}`);
  }
});

Deno.test("the same query again is a retransmission, with a new deadline", () => {
  const bench = new Bench();
  const first = bench.begin(queryOf(7, "a"));
  const between = bench.begin(queryOf(8, "b"));
  bench.now += 9_000;
  assertStrictEquals(bench.begin(queryOf(7, "a")), first);
  assertEquals(first.retransmissions, 1);
  assertEquals(bench.table.figures.queries, 2);
  assertEquals(bench.table.figures.retransmitted, 1);
  bench.now += 1_000;
  assertEquals(bench.expire(), [between]);
  assertEquals(bench.table.nextDeadline(), 20_000);
  bench.now = 19_999;
  assertEquals(bench.expire(), []);
  assertStrictEquals(bench.match(answerTo(first.query)), first);
  assertEquals(bench.table.figures.latency.last, 18_999);
  assertNotEquals(bench.begin(queryOf(7, "a")), first);
});

Deno.test("another client, ID, server, name, case or length is another transaction", () => {
  const bench = new Bench();
  const shouted = queryOf(7, "A");
  const { query: withOpt } = exchange("aaaa");
  const withoutOpt = withOpt.slice(0, 12 + "alpha.example".length + 2 + 4);
  withoutOpt[11] = 0;
  const all = new Set([
    bench.begin(queryOf(7, "a")),
    bench.begin(queryOf(7, "a"), 2),
    bench.begin(queryOf(7, "a"), 2 ** 40 + 1),
    bench.begin(queryOf(8, "a")),
    bench.begin(queryOf(7, "a"), 1, "[2001:db8::53]:53"),
    bench.begin(queryOf(7, "b")),
    bench.begin(queryOf(7, "a", 28)),
    bench.begin(shouted),
    bench.begin(withOpt),
    bench.begin(withoutOpt),
  ]);
  assertEquals(all.size, 10);
  assertEquals(new Set([...all].map(({ id }) => id)).size, 10);
  assertEquals(bench.table.figures.retransmitted, 0);
});

Deno.test("what is no query, or too long, is counted and not taken", () => {
  const bench = new Bench({ maxQueryBytes: 40 });
  for (const message of Object.values(hostile)) {
    bench.table.begin(message, 0, message.length, 1, SERVER, bench.now);
  }
  const long = queryOf(1, "x".repeat(30));
  assertEquals(bench.table.begin(long, 0, long.length, 1, SERVER, bench.now), undefined);
  const { malformed, oversized, queries } = bench.table.figures;
  assertEquals(malformed, Object.keys(hostile).length - 1);
  assertEquals([oversized, queries], [1, 1]);
});

Deno.test("in a full table the one asked longest ago gives way", () => {
  const bench = new Bench({ max: 3 });
  const [a, b, c] = ["a", "b", "c"].map((label) => bench.begin(queryOf(1, label)));
  bench.begin(queryOf(1, "a"));
  const d = bench.begin(queryOf(1, "d"));
  assertEquals([a, b, c, d].map((transaction) => transaction?.done), [false, true, false, false]);
  assertEquals(bench.table.inFlight, 3);
  assertEquals(bench.table.figures.overflow, 1);
  assertEquals(bench.match(answerTo(b!.query)), undefined);
  assertStrictEquals(bench.match(answerTo(a!.query)), a);
});

Deno.test("a transaction times out once, at its deadline", () => {
  const bench = new Bench();
  assertEquals(bench.table.nextDeadline(), Infinity);
  const transaction = bench.begin(queryOf(1, "a"));
  assertEquals(bench.table.nextDeadline(), 11_000);
  bench.now = 10_999;
  assertEquals(bench.expire(), []);
  bench.now = 11_000;
  assertEquals(bench.expire(), [transaction]);
  assertEquals(bench.expire(), []);
  assert(transaction.done);
  assertEquals(bench.table.figures.timeouts, 1);
  assertEquals(bench.match(answerTo(transaction.query)), undefined);
});

Deno.test("refusing gives the client SERVFAIL under its own ID, once", () => {
  const bench = new Bench();
  const { query } = exchange("mixed-case-dnssec");
  const transaction = bench.begin(query);
  const out = new Uint8Array(MAX_ERROR_LENGTH + 8);
  const end = bench.table.refuse(transaction, out, 8);
  assertEquals(dns.readId(out, 8), dns.readId(query, 0));
  assertEquals(dns.readRcode(out, 8), dns.Rcode.ServFail);
  const question = dns.questionEnd(query, 0, query.length);
  assertEquals(out.subarray(20, 8 + question), query.subarray(12, question));
  assertEquals(end, 8 + question + 17);
  assertEquals(bench.table.refuse(transaction, out, 8), 8);
  assertEquals(bench.table.figures.refused, 1);
  assertEquals(bench.table.inFlight, 0);
});

Deno.test("IDs stay unique when random numbers repeat", () => {
  const bench = new Bench({}, () => 0xffff);
  const ids = ["a", "b", "c"].map((label) => bench.begin(queryOf(1, label)).id);
  assertEquals(ids, [0xffff, 0, 1]);
});

Deno.test("a table without room, or without free IDs, cannot be made", () => {
  assertThrows(() => new Transactions(random16(), { max: 0 }), RangeError);
  assertThrows(() => new Transactions(random16(), { max: 32_769 }), RangeError);
});

Deno.test("property: the table agrees with a list searched from end to end", () => {
  const step = fc.record({
    kind: fc.constantFrom("begin", "begin", "begin", "match", "refuse", "wait"),
    client: fc.nat(2),
    id: fc.nat(2),
    label: fc.constantFrom("a", "b"),
    pick: fc.nat(7),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, seed) => {
      const bench = new Bench({ max: 6 }, random16(seed));
      let twin: Transaction[] = [];
      for (const { kind, client, id, label, pick } of steps) {
        const query = queryOf(id, label);
        const chosen = twin[pick % Math.max(1, twin.length)];
        if (kind === "begin") {
          const same = (one: Transaction) =>
            one.client === client && one.originalId === id &&
            dns.questionEquals(one.query, 0, one.query.length, query, 0, query.length);
          const known = twin.find(same);
          const got = bench.begin(query, client);
          if (known !== undefined) assertStrictEquals(got, known);
          else assert(twin.every((one) => one.id !== got.id));
          twin = [...twin.filter((one) => one !== known), got].slice(-6);
        } else if (kind === "wait") {
          bench.now += 500 * pick;
          const gone = twin.filter((one) => one.deadline <= bench.now);
          assertEquals(bench.expire(), gone);
          twin = twin.filter((one) => !gone.includes(one));
        } else if (chosen !== undefined) {
          if (kind === "match") assertStrictEquals(bench.match(answerTo(chosen.query)), chosen);
          else bench.table.refuse(chosen, new Uint8Array(MAX_ERROR_LENGTH), 0);
          twin = twin.filter((one) => one !== chosen);
        }
        assertEquals(bench.table.inFlight, twin.length);
        assertEquals(bench.table.nextDeadline(), twin[0]?.deadline ?? Infinity);
        assert(twin.every((one) => !one.done));
      }
      const { queries, answers, refused, timeouts, overflow } = bench.table.figures;
      assertEquals(queries, answers + refused + timeouts + overflow + twin.length);
    }),
    { numRuns: 500 },
  );
});

Deno.test("clients that fall into one chain of the index are told apart, whichever goes first", () => {
  // The hash takes 32 bits of a client's number.
  const clients = [5, 5 + 2 ** 32, 5 + 2 ** 33, 5 + 2 ** 34];
  for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]]) {
    const bench = new Bench();
    const all = clients.map((client) => bench.begin(queryOf(7, "a"), client));
    assertEquals(new Set(all.map(({ hash }) => hash)).size, 1);
    for (const [done, index] of order.entries()) {
      assertStrictEquals(bench.match(answerTo(all[index]!.query)), all[index]);
      for (const left of order.slice(done + 1)) {
        assertStrictEquals(bench.begin(queryOf(7, "a"), clients[left]), all[left]);
      }
    }
    assertEquals(bench.table.inFlight, 0);
    assertEquals(bench.begin(queryOf(7, "a"), 5).retransmissions, 0);
  }
});
