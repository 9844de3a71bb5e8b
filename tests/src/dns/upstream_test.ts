import { assertEquals, assertStrictEquals } from "@std/assert";
import { TcpConnection } from "../../../src/dns/tcp_connection.ts";
import { Transaction } from "../../../src/dns/transaction.ts";
import { Upstream } from "../../../src/dns/upstream.ts";
import { queryOf } from "./fixtures.ts";

const SERVER = "192.0.2.53:53";

function transactionOf(id: number): Transaction {
  const query = queryOf(id, "a");
  return new Transaction(query, 0, query.length, id, 1, SERVER, 0, 0, 10_000);
}

function connect(upstream: Upstream, asked: number): TcpConnection {
  const connection = new TcpConnection(1, SERVER, { answer: () => {} }, 0);
  upstream.connections.push(connection);
  connection.opened(0);
  for (let id = 0; id < asked; id++) connection.send(transactionOf(id), 0);
  return connection;
}

Deno.test("the least busy open connection with room is taken", () => {
  const upstream = new Upstream(SERVER);
  assertEquals(upstream.roomiest(2, 0), undefined);
  connect(upstream, 2);
  assertEquals(upstream.roomiest(2, 0), undefined);
  const one = connect(upstream, 1);
  assertStrictEquals(upstream.roomiest(2, 0), one);
  const idle = connect(upstream, 0);
  assertStrictEquals(upstream.roomiest(2, 0), idle);
  idle.end();
  assertStrictEquals(upstream.roomiest(2, 0), one);
});

Deno.test("a limit is the lowest learned, and believed for a minute after the last", () => {
  const upstream = new Upstream(SERVER);
  upstream.learnLimit(Infinity, 0);
  assertEquals(upstream.limit(0), Infinity);
  upstream.learnLimit(2, 0);
  upstream.learnLimit(5, 30_000);
  assertEquals([upstream.limit(89_999), upstream.limit(90_000)], [2, Infinity]);
  upstream.learnLimit(5, 100_000);
  assertEquals(upstream.limit(100_000), 5);
});

Deno.test("connections are wanted for what those being opened will not take", () => {
  const upstream = new Upstream(SERVER);
  assertEquals(upstream.wantsConnection(2, 2, 0), false);
  upstream.queue.push(transactionOf(1), transactionOf(2));
  assertEquals(upstream.wantsConnection(2, 2, 0), true);
  upstream.connections.push(new TcpConnection(1, SERVER, { answer: () => {} }, 0));
  assertEquals(upstream.wantsConnection(2, 2, 0), false);
  upstream.learnLimit(1, 0);
  assertEquals(upstream.wantsConnection(2, 2, 0), true);
  assertEquals(upstream.wantsConnection(2, 1, 0), false);
});

Deno.test("the queue gives and keeps only what somebody waits for", () => {
  const upstream = new Upstream(SERVER);
  const [a, b, c, d] = [1, 2, 3, 4].map(transactionOf);
  upstream.queue.push(a!, b!, c!, d!);
  a!.done = true;
  c!.done = true;
  assertStrictEquals(upstream.next(), b);
  upstream.prune();
  assertEquals(upstream.queue, [d!]);
  assertEquals(upstream.takeShare(64, 0), [d!]);
  assertEquals(upstream.next(), undefined);
});
