import { assert, assertEquals } from "@std/assert";
import { TcpConnection } from "../../../src/dns/tcp_connection.ts";
import type { Transaction } from "../../../src/dns/transaction.ts";
import { Transactions } from "../../../src/dns/transactions.ts";
import { answerTo, framed, queryOf, random16 } from "./fixtures.ts";

const SERVER = "192.0.2.53:53";

class Bench {
  readonly table = new Transactions(random16());
  readonly connection = new TcpConnection(1, SERVER, {
    answer: (server, bytes, at, end) => {
      const transaction = this.table.match(bytes, at, end, server, this.now);
      transaction?.restore(bytes, at, end);
    },
  }, 0);
  now = 0;

  send(...labels: string[]): Transaction[] {
    return labels.map((label) => {
      const query = queryOf(1, label);
      const transaction = this.table.begin(query, 0, query.length, 1, SERVER, this.now)!;
      this.connection.send(transaction, this.now);
      return transaction;
    });
  }

  reply(...transactions: Transaction[]): void {
    const stream = framed(...transactions.map(({ query }) => answerTo(query)));
    this.connection.receive(stream, 0, stream.length, this.now);
  }
}

Deno.test("it takes queries only while open, up to the pipeline and its limit", () => {
  const bench = new Bench();
  assert(!bench.connection.hasRoom(2, Infinity));
  bench.connection.opened(0);
  const [a] = bench.send("a", "b");
  assert(!bench.connection.hasRoom(2, Infinity));
  assert(bench.connection.hasRoom(3, Infinity));
  assert(!bench.connection.hasRoom(3, 2));
  bench.reply(a!);
  assert(bench.connection.hasRoom(2, Infinity));
  bench.connection.end();
  assert(!bench.connection.hasRoom(2, Infinity));
});

Deno.test("its end gives back what still wants an answer, oldest first", () => {
  const bench = new Bench();
  bench.connection.opened(0);
  const [a, b, c, d] = bench.send("a", "b", "c", "d");
  bench.reply(b!);
  bench.table.refuse(c!, new Uint8Array(600), 0);
  assertEquals(bench.connection.end(), [a!, d!]);
  assertEquals([bench.connection.state, bench.connection.unanswered], ["Closed", 0]);
});

Deno.test("what its end proves about the server", () => {
  const proven = (answered: number, asked: string[], later: string[] = []) => {
    const bench = new Bench();
    bench.connection.opened(0);
    bench.reply(...bench.send(...asked).slice(0, answered));
    bench.send(...later);
    return bench.connection.provenLimit;
  };
  assertEquals(proven(0, []), Infinity);
  assertEquals(proven(0, ["a"]), Infinity);
  assertEquals(proven(0, ["a", "b"]), 1);
  assertEquals(proven(1, ["a", "b"]), 1);
  assertEquals(proven(3, ["a", "b", "c", "d"]), 3);
  assertEquals(proven(1, ["a"], ["b"]), Infinity);
  assertEquals(proven(2, ["a", "b"]), Infinity);
});

Deno.test("patience counts from the oldest query or the last answer", () => {
  const bench = new Bench();
  bench.connection.opened(0);
  assertEquals(bench.connection.stallDeadline(100), Infinity);
  bench.now = 10;
  const [a] = bench.send("a", "b");
  bench.now = 20;
  bench.send("c");
  assertEquals(bench.connection.stallDeadline(100), 110);
  bench.now = 50;
  bench.connection.receive(Uint8Array.of(0, 1, 9), 0, 3, 50);
  assertEquals(bench.connection.stallDeadline(100), 110);
  bench.reply(a!);
  assertEquals(bench.connection.stallDeadline(100), 150);
});

Deno.test("strays are counted until an answer comes", () => {
  const bench = new Bench();
  bench.connection.opened(0);
  const [a, b] = bench.send("a", "b");
  bench.reply(a!, a!, a!);
  assertEquals(bench.connection.strays, 2);
  bench.reply(b!);
  assertEquals(bench.connection.strays, 0);
});
