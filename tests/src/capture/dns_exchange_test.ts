import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  askOverTcp,
  type AskServer,
  failureText,
  udpAsker,
  within,
} from "../../../src/capture/dns_exchange.ts";
import { composeQuery, TYPE_NS } from "../../../src/wire/dns_query.ts";
import { ClosedPort } from "../../support/closed_port.ts";
import { tcpServer, udpServer } from "../../support/dns_ports.ts";

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);
const QUERY = composeQuery(7, ".", TYPE_NS);
const NEVER = new AbortController().signal;

/** The query as a response, with another ID if told so. */
function answerTo(query: Uint8Array, id = query[1]!): Uint8Array<ArrayBuffer> {
  const answer = query.slice();
  answer[1] = id;
  answer[2] = 0x80;
  return answer;
}

function framed(message: Uint8Array): Uint8Array {
  return Uint8Array.of(0, message.length, ...message);
}

async function fails(ask: AskServer, port: number, signal = NEVER): Promise<string> {
  const error = await assertRejects(() => ask({ address: LOOPBACK, port }, QUERY, signal));
  return failureText(error);
}

Deno.test("over UDP: a lost datagram is sent again, another's answer passed over", async () => {
  let count = 0;
  const server = udpServer((query) => {
    count++;
    if (count === 1) return undefined;
    return count === 2 ? answerTo(query, 9) : answerTo(query);
  });
  const answer = await udpAsker(0)({ address: LOOPBACK, port: server.port }, QUERY, NEVER);
  assertEquals(answer, answerTo(QUERY));
  assert(count >= 3);
  await server.close();
});

Deno.test("over UDP: who sends rubbish is not asked for ever", async () => {
  const server = udpServer(() => new Uint8Array(3));
  assertEquals(await fails(udpAsker(0), server.port), "no answer");
  await server.close();
});

Deno.test("over TCP: an answer in pieces, behind another's", async () => {
  const server = tcpServer(async (connection) => {
    const query = new Uint8Array(64);
    await connection.read(query);
    await connection.write(framed(answerTo(QUERY, 9)));
    for (const byte of framed(answerTo(QUERY))) await connection.write(Uint8Array.of(byte));
    await connection.read(query);
  });
  const answer = await askOverTcp({ address: LOOPBACK, port: server.port }, QUERY, NEVER);
  assertEquals(answer, answerTo(QUERY));
  await server.close();
});

Deno.test("over TCP: a connection that ends has not answered", async () => {
  const server = tcpServer(async (connection) => void await connection.read(new Uint8Array(64)));
  assertEquals(await fails(askOverTcp, server.port), "closed without an answer");
  await server.close();
});

Deno.test("a port that nobody listens on refuses, in the same words", async () => {
  using udp = new ClosedPort("udp");
  using tcp = new ClosedPort("tcp");
  assertEquals(await fails(udpAsker(0), udp.port), "connection refused");
  assertEquals(await fails(askOverTcp, tcp.port), "connection refused");
});

Deno.test("the signal ends both, while they wait and before they begin", async () => {
  const asked = { udp: new AbortController(), tcp: new AbortController() };
  const udp = udpServer(() => void asked.udp.abort());
  const tcp = tcpServer(async (connection) => {
    await connection.read(new Uint8Array(64));
    asked.tcp.abort();
    await connection.read(new Uint8Array(64));
  });
  for (let round = 0; round < 2; round++) {
    assertEquals(await fails(udpAsker(0), udp.port, asked.udp.signal), "no answer");
    assertEquals(await fails(askOverTcp, tcp.port, asked.tcp.signal), "no answer");
  }
  await udp.close();
  await tcp.close();
});

Deno.test("a time is over by itself, or with what is around it", async () => {
  const untilOver = (signal: AbortSignal) =>
    new Promise<string>((resolve) => signal.addEventListener("abort", () => resolve("over")));
  assertEquals(await within(1, undefined, untilOver), "over");
  const outer = new AbortController();
  const inner = within(600_000, outer.signal, untilOver);
  outer.abort();
  assertEquals(await inner, "over");
  const begun = await within(600_000, outer.signal, (signal) => Promise.resolve(signal.aborted));
  assertEquals(begun, true);
});
