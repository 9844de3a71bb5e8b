import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { DnsTcpPool } from "../../../src/dns/tcp_pool.ts";
import { answerTo, framed, queryOf } from "./fixtures.ts";
import { SERVER, TcpBench } from "./tcp_bench.ts";

const OTHER = "[2001:db8::53]:53";

function failuresOf(bench: TcpBench): string[] {
  return bench.failures.map(({ failure }) => failure);
}

Deno.test("a query opens a connection, is written when it stands, and answered over it", () => {
  const bench = new TcpBench();
  const transaction = bench.ask();
  assertEquals([...bench.connections.values()], [{ server: SERVER, written: [] }]);
  assertEquals(bench.pool.waiting, 1);
  bench.opened(1);
  assertEquals(bench.written(1), [transaction.query]);
  bench.now = 30;
  bench.reply(1, transaction.query);
  assertEquals(bench.answered, [transaction]);
  assertEquals(bench.table.figures.latency.last, 30);
});

Deno.test("queries share a connection and are answered in any order, in any pieces", () => {
  const bench = new TcpBench();
  const [a, b] = bench.askMany(2);
  bench.opened(1);
  const c = bench.ask();
  assertEquals(bench.written(1).length, 3);
  const stream = framed(...[c, a!, b!].map(({ query }) => answerTo(query)));
  for (let i = 0; i < stream.length; i++) bench.data(1, stream.slice(i, i + 1));
  assertEquals(bench.answered, [c, a!, b!]);
  assertEquals(bench.pool.connections, 1);
});

Deno.test("beyond the pipeline more connections are opened, beyond those queries wait", () => {
  const bench = new TcpBench({ pipeline: 2, connectionsPerServer: 2, queue: 3 });
  const all = bench.askMany(3);
  assertEquals([...bench.connections.keys()], [1, 2]);
  assertEquals(failuresOf(bench), []);
  const tooMany = bench.ask();
  assertEquals(bench.failures, [{ transaction: tooMany, failure: "Busy" }]);
  bench.opened(1, 2);
  assertEquals([bench.written(1).length, bench.written(2).length], [2, 1]);
  bench.askMany(3);
  assertEquals([bench.written(1).length, bench.written(2).length], [2, 2]);
  assertEquals(bench.pool.waiting, 2);
  bench.reply(1, all[1]!.query);
  assertEquals([bench.written(1).length, bench.pool.waiting], [3, 1]);
  assertEquals(bench.pool.connections, 2);
});

Deno.test("a server without a connection is SERVFAIL at once, and asked anew the next time", () => {
  const bench = new TcpBench();
  bench.askMany(3);
  bench.end(1);
  assertEquals(failuresOf(bench), ["Unreachable", "Unreachable", "Unreachable"]);
  assertEquals([bench.table.inFlight, bench.pool.connections, bench.pool.waiting], [0, 0, 0]);
  assertEquals(bench.pool.figures.unreachable, 1);
  bench.ask();
  assertEquals([...bench.connections.keys()], [2]);
});

Deno.test("a second connection that fails takes only its share with it", () => {
  const bench = new TcpBench({ pipeline: 2, connectionsPerServer: 2 });
  bench.askMany(5);
  bench.opened(1);
  bench.end(2);
  assertEquals(failuresOf(bench), ["Unreachable", "Unreachable"]);
  assertEquals(bench.pool.waiting, 1);
  assertEquals([...bench.connections.keys()], [1, 3]);
});

Deno.test("a connection that does not come to stand is given up", () => {
  const bench = new TcpBench({ connectTimeout: 3_000 });
  bench.ask();
  bench.pass(2_999);
  assertEquals(failuresOf(bench), []);
  bench.pass(1);
  assertEquals([failuresOf(bench), bench.closed], [["Unreachable"], [1]]);
  bench.opened(1);
  assertEquals(bench.pool.connections, 0);
});

Deno.test("a query left unanswered is asked once more, then refused", () => {
  const bench = new TcpBench();
  const transaction = bench.ask();
  bench.opened(1);
  bench.end(1);
  bench.opened(2);
  assertEquals(bench.written(2), [transaction.query]);
  bench.end(2);
  assertEquals(bench.failures, [{ transaction, failure: "Closed" }]);
  const { askedAgain, cutOff, failedClosed } = bench.pool.figures;
  assertEquals([askedAgain, cutOff, failedClosed], [1, 2, 1]);
  assertEquals(bench.pool.connections, 0);
});

Deno.test("what is asked again goes before what waits", () => {
  const bench = new TcpBench({ pipeline: 1, connectionsPerServer: 1 });
  const [first] = bench.askMany(2);
  bench.opened(1);
  bench.end(1);
  bench.opened(2);
  assertEquals(bench.written(2), [first!.query]);
});

for (const perConnection of [1, 2, 5]) {
  Deno.test(`a server that answers ${perConnection} and closes answers everything all the same`, () => {
    const bench = new TcpBench();
    const all = bench.askMany(40);
    for (let rounds = 0; bench.connections.size > 0 && rounds < 100; rounds++) {
      const ids = [...bench.connections.keys()];
      bench.opened(...ids);
      for (const id of ids) bench.reply(id, ...bench.written(id).slice(0, perConnection));
      for (const id of ids) if (bench.connections.has(id)) bench.end(id);
    }
    assertEquals(bench.failures, []);
    assertEquals(new Set(bench.answered), new Set(all));
    assertEquals(bench.answered.length, 40);
  });
}

Deno.test("a server's limit is forgotten after a minute", () => {
  const bench = new TcpBench();
  const [a] = bench.askMany(3);
  bench.opened(1);
  bench.reply(1, a!.query);
  bench.end(1);
  bench.opened(2, 3);
  assertEquals([bench.written(2).length, bench.written(3).length], [1, 1]);
  bench.reply(2, ...bench.written(2));
  bench.reply(3, ...bench.written(3));
  assertEquals(bench.closed, [2, 3]);
  bench.pass(60_000);
  bench.askMany(3);
  bench.opened(4);
  assertEquals(bench.written(4).length, 3);
});

Deno.test("a server that closed an idle connection just then keeps being asked in a row", () => {
  const bench = new TcpBench();
  const first = bench.ask();
  bench.opened(1);
  bench.reply(1, first.query);
  bench.ask();
  bench.end(1);
  bench.opened(2);
  bench.askMany(3);
  assertEquals(bench.written(2).length, 4);
});

Deno.test("connections on which a newly limited server takes no more give way", () => {
  const bench = new TcpBench({ pipeline: 2, connectionsPerServer: 2 });
  const [a, b, c, d] = bench.askMany(4);
  bench.opened(1, 2);
  bench.reply(1, a!.query, b!.query);
  bench.reply(2, c!.query);
  bench.end(2);
  assertEquals(bench.closed, [1]);
  bench.opened(...bench.connections.keys());
  assertEquals([...bench.connections.values()].map(({ written }) => written), [[d!.query]]);
});

Deno.test("an idle connection is closed after its time, one in use is not", () => {
  const bench = new TcpBench();
  const transaction = bench.ask();
  bench.opened(1);
  bench.now = 500;
  bench.reply(1, transaction.query);
  assertEquals(bench.pool.nextDeadline(), 10_500);
  bench.pass(9_999);
  assertEquals(bench.pool.connections, 1);
  bench.pass(1);
  assertEquals([bench.pool.connections, bench.closed], [0, [1]]);
  assertEquals(bench.pool.nextDeadline(), Infinity);
  assertEquals(bench.pool.figures.stalled, 0);
});

Deno.test("a connection gone silent is given up; what is younger is asked on another", () => {
  const bench = new TcpBench();
  const old = bench.ask();
  bench.opened(1);
  bench.pass(4_000);
  const young = bench.ask();
  bench.pass(6_000);
  assertEquals(bench.timedOut, [old]);
  assertEquals([bench.closed, bench.pool.figures.stalled], [[1], 1]);
  bench.opened(2);
  assertEquals(bench.written(2), [young.query]);
});

Deno.test("messages of no meaning do not keep a connection alive", () => {
  const bench = new TcpBench();
  bench.ask();
  bench.opened(1);
  for (let second = 0; second < 10; second++) {
    bench.pass(1_000);
    bench.data(1, Uint8Array.of(0, 0));
  }
  assertEquals(bench.pool.connections, 0);
});

Deno.test("a server that babbles is hung up on", () => {
  const bench = new TcpBench({ pipeline: 8 });
  const transaction = bench.ask();
  bench.opened(1);
  bench.reply(1, ...Array.from({ length: 8 }, (_, i) => queryOf(i, "stray")));
  assertEquals(bench.closed, []);
  bench.data(1, framed(new Uint8Array(5)));
  assertEquals([bench.closed, bench.pool.figures.strayed], [[1], 1]);
  bench.opened(2);
  assertEquals(bench.written(2), [transaction.query]);
});

Deno.test("a wrong answer under the right ID leaves the query asked", () => {
  const bench = new TcpBench();
  const transaction = bench.ask();
  bench.opened(1);
  bench.reply(1, queryOf(transaction.id, "wrong"));
  assertEquals(bench.table.figures.mismatched, 1);
  bench.reply(1, transaction.query);
  assertEquals(bench.answered, [transaction]);
});

Deno.test("a retransmission does not ask twice", () => {
  const bench = new TcpBench();
  const transaction = bench.ask();
  bench.pool.ask(transaction, bench.now);
  bench.opened(1);
  bench.pool.ask(transaction, bench.now);
  assertEquals(bench.written(1).length, 1);
  assertEquals(bench.pool.figures.asked, 1);
});

Deno.test("queries that nobody waits for any more make room and are not written", () => {
  const bench = new TcpBench({ pipeline: 1, connectionsPerServer: 1, queue: 1, stall: 60_000 });
  bench.ask();
  bench.opened(1);
  const waiting = bench.ask();
  bench.now = 10_000;
  bench.table.expire(bench.now, () => {});
  assert(waiting.done);
  const third = bench.ask();
  assertEquals(bench.written(1).length, 2);
  assertEquals(bench.written(1)[1], third.query);
  assertEquals(bench.failures, []);
});

Deno.test("a connection whose queries all timed out is closed as soon as that is seen", () => {
  const bench = new TcpBench({ pipeline: 1, connectionsPerServer: 1, stall: 60_000 });
  bench.ask();
  bench.opened(1);
  bench.now = 1;
  bench.ask();
  bench.pass(10_000);
  assertEquals([bench.timedOut.length, bench.closed], [2, [1]]);
});

Deno.test("when all connections are taken an idle one gives way, else the query fails", () => {
  const bench = new TcpBench({ connections: 2, servers: 3 });
  const a = bench.ask("a:53");
  const b = bench.ask("b:53");
  bench.opened(1, 2);
  const failing = bench.ask("c:53");
  assertEquals(bench.failures, [{ transaction: failing, failure: "Busy" }]);
  bench.now = 1;
  bench.reply(2, b.query);
  bench.now = 2;
  bench.reply(1, a.query);
  bench.ask("c:53");
  assertEquals(bench.closed, [2]);
  assertEquals([...bench.connections.values()].map(({ server }) => server), ["a:53", "c:53"]);
});

Deno.test("a server with connections waits for them when no more may be opened", () => {
  const bench = new TcpBench({ connections: 1, servers: 2, pipeline: 1 });
  const [a, b] = bench.askMany(2);
  bench.opened(1);
  assertEquals([bench.pool.connections, bench.pool.waiting, bench.failures.length], [1, 1, 0]);
  bench.reply(1, a!.query);
  assertEquals(bench.written(1), [a!.query, b!.query]);
});

Deno.test("any number of servers can be asked one after another", () => {
  const bench = new TcpBench({ connections: 2, servers: 3 });
  for (let i = 0; i < 20; i++) {
    const transaction = bench.ask(`192.0.2.${i}:53`);
    const [id] = [...bench.connections.keys()].slice(-1);
    bench.opened(id!);
    bench.now++;
    bench.reply(id!, transaction.query);
    assertStrictEquals(bench.answered.at(-1), transaction);
    assert(bench.pool.connections <= 2);
  }
});

Deno.test("an engine may report from within its own calls", () => {
  const bench = new TcpBench({ pipeline: 2 });
  bench.onOpen = (id) => bench.pool.opened(id, bench.now);
  bench.onWrite = (id) => bench.reply(id, bench.written(id).at(-1)!);
  assertEquals(bench.answered, bench.askMany(10));
  const refusing = new TcpBench({ pipeline: 2 });
  refusing.onOpen = (id) => refusing.end(id);
  refusing.askMany(10);
  assertEquals(failuresOf(refusing), Array(10).fill("Unreachable"));
  const breaking = new TcpBench({ pipeline: 2 });
  breaking.onOpen = (id) => breaking.pool.opened(id, breaking.now);
  breaking.onWrite = (id) => breaking.end(id);
  breaking.askMany(10);
  assertEquals(failuresOf(breaking), Array(10).fill("Closed"));
  assertEquals([breaking.pool.connections, breaking.pool.waiting], [0, 0]);
});

Deno.test("the pool may be shut down from within an answer", () => {
  const bench = new TcpBench();
  const [a, b] = bench.askMany(2);
  bench.opened(1);
  bench.answer = () => bench.pool.shutdown();
  bench.reply(1, a!.query, b!.query);
  assertEquals([bench.closed, bench.failures.length], [[1], 2]);
});

Deno.test("a waiting query that was refused meanwhile is not written", () => {
  const bench = new TcpBench();
  const [a, b] = bench.askMany(2);
  bench.table.refuse(a!, new Uint8Array(600), 0);
  bench.opened(1);
  assertEquals(bench.written(1), [b!.query]);
});

Deno.test("events of connections that are no more are passed over", () => {
  const bench = new TcpBench();
  const transaction = bench.ask();
  bench.data(1, framed(answerTo(transaction.query)));
  assertEquals(bench.answered, []);
  bench.end(1);
  bench.end(1);
  bench.opened(1);
  bench.data(1, framed(answerTo(transaction.query)));
  assertEquals([bench.answered.length, bench.failures.length], [0, 1]);
});

Deno.test("shutdown closes every connection and refuses every query", () => {
  const bench = new TcpBench({ pipeline: 1, connectionsPerServer: 2 });
  bench.askMany(3);
  bench.opened(1);
  bench.ask(OTHER);
  bench.pool.shutdown();
  assertEquals(bench.closed, [1, 2, 3]);
  assertEquals([bench.failures.length, bench.table.inFlight], [4, 0]);
  assertEquals([bench.pool.connections, bench.pool.waiting], [0, 0]);
  assertEquals(bench.pool.nextDeadline(), Infinity);
});

Deno.test("more connections than servers can be remembered is a mistake", () => {
  assertThrows(() => new DnsTcpPool(new TcpBench(), { connections: 64, servers: 64 }), RangeError);
});
