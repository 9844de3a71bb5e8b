/** DNS through the tunnel: over UDP as long as the proxy relays it, else over TCP; and the figures. */

import { assert, assertEquals } from "@std/assert";
import { get16, set16 } from "../../../src/bytes.ts";
import { isTruncated, Rcode, readAnswerCount, readId, readRcode } from "../../../src/wire/dns.ts";
import { eventually } from "../../support/eventually.ts";
import type { FakeClient } from "../../support/fake_socks5.ts";
import type { LocalHost } from "../../support/fake_local_host.ts";
import { type Adjust, type FakeTunnel, quiet, withTunnel } from "../../support/fake_tunnel.ts";
import { type RelayedDatagram, relaying, type UdpScript } from "../../support/fake_udp_relay.ts";
import { answerTo, framed, queryOf } from "../dns/fixtures.ts";

const SERVER = "192.0.2.53";
const SERVER_6 = "2001:db8::53";
const PATIENCE = 60_000;

async function withDns(
  udp: UdpScript,
  body: (tunnel: FakeTunnel) => Promise<void>,
  adjust: Adjust = () => {},
): Promise<void> {
  const set: Adjust = (settings) => {
    settings.udp = "auto";
    adjust(settings);
  };
  await withTunnel({ script: udp.script, set }, async (tunnel) => {
    await body(tunnel);
    await quiet(tunnel.engine);
  });
}

/** A proxy that relays no UDP, with a DNS server behind it that talks TCP. */
function overTcp(serve: (client: FakeClient) => Promise<void>): UdpScript {
  const udp = relaying();
  udp.answer = (client) => client.reply(7);
  udp.connect = async (client) => {
    await client.reply(0);
    await serve(client);
  };
  return udp;
}

async function readQuery(client: FakeClient): Promise<Uint8Array> {
  const length = await client.read(2);
  return await client.read(get16(length, 0));
}

async function answerAll(client: FakeClient): Promise<void> {
  for (;;) await client.writeBytes(framed(answerTo(await readQuery(client))));
}

async function answerOf(host: LocalHost, port: number): Promise<Uint8Array> {
  const { payload, fromPort } = await eventually(
    `an answer comes to port ${port}`,
    () => host.received(port)[0],
    PATIENCE,
  );
  assertEquals(fromPort, 53);
  return payload;
}

/** The datagram with an answer in the place of its query. */
function answered({ bytes, payload }: RelayedDatagram): Uint8Array {
  const answer = bytes.slice();
  answer.set(answerTo(payload), bytes.length - payload.length);
  return answer;
}

/** An answer with so many addresses, 16 bytes each. */
function manyRecords(query: Uint8Array, count: number): Uint8Array {
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 192, 0, 2, 1];
  const question = query.slice(0, 12 + query.subarray(12).indexOf(0) + 5);
  const answer = answerTo(question, count * record.length);
  for (let i = 0; i < count; i++) answer.set(record, question.length + i * record.length);
  set16(answer, 6, count);
  set16(answer, 10, 0);
  return answer;
}

/** The query with an OPT record that offers so many bytes. */
function withEdns(query: Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array([...query, 0, 0, 41, size >> 8, size & 255, 0, 0, 0, 0, 0, 0]);
  set16(bytes, 10, 1);
  return bytes;
}

Deno.test("100 ports with the same ID go through one association, answered in another order", async () => {
  const udp = relaying();
  const { answer } = udp;
  const ids = new Set<number>();
  udp.answer = (client, relay) => {
    // The first one is the engine's own question.
    if (udp.relays.length > 1) {
      relay.onDatagram = async ({ payload }) => {
        ids.add(readId(payload, 0));
        if (relay.received.length < 100) return;
        for (const held of relay.received.toReversed()) await relay.send(answered(held));
      };
    }
    return answer(client, relay);
  };
  await withDns(udp, async ({ engine, host }) => {
    for (let i = 0; i < 100; i++) {
      host.sendUdp(5_000 + i, i % 2 ? SERVER : SERVER_6, 53, queryOf(7, `name-${i}`));
    }
    for (let i = 0; i < 100; i++) {
      assertEquals(await answerOf(host, 5_000 + i), answerTo(queryOf(7, `name-${i}`)));
    }
    assertEquals([udp.relays.length, ids.size], [2, 100]);
    const { queries, answers, timeouts, latency } = engine.dns.transactions.figures;
    assertEquals([queries, answers, timeouts], [100, 100, 0]);
    assert(latency.mean > 0 && latency.max >= latency.min);
    assertEquals([engine.dns.transactions.inFlight, engine.udp.associations], [0, 0]);
  });
});

Deno.test("the association is closed when it is idle, and made anew for the next query", async () => {
  const udp = relaying();
  const { answer } = udp;
  udp.answer = (client, relay) => {
    if (udp.relays.length > 1) relay.onDatagram = (datagram) => relay.send(answered(datagram));
    return answer(client, relay);
  };
  await withDns(udp, async ({ engine, host }) => {
    for (const port of [5_000, 5_001]) {
      host.sendUdp(port, SERVER, 53, queryOf(port, "again"));
      assertEquals(await answerOf(host, port), answerTo(queryOf(port, "again")));
      await eventually("the association is closed", () => {
        return engine.dns.associations === 0 ? true : undefined;
      }, PATIENCE);
    }
    // The engine's own question, and one for each query.
    assertEquals(udp.relays.length, 3);
  }, (settings) => settings.timeouts.dns = 1_500);
});

Deno.test("a query that is sent again is the same query", async () => {
  const udp = relaying();
  const { answer } = udp;
  udp.answer = (client, relay) => {
    if (udp.relays.length > 1) {
      relay.onDatagram = async (datagram) => {
        if (relay.received.length === 2) await relay.send(answered(datagram));
      };
    }
    return answer(client, relay);
  };
  await withDns(udp, async ({ engine, host }) => {
    host.sendUdp(5_000, SERVER, 53, queryOf(7, "lost"));
    await eventually("it is asked", () => udp.relays[1]?.received[0]);
    host.sendUdp(5_000, SERVER, 53, queryOf(7, "lost"));
    assertEquals(readId(await answerOf(host, 5_000), 0), 7);
    const [first, second] = udp.relays[1]!.received;
    assertEquals(first!.payload, second!.payload);
    const { queries, retransmitted, answers } = engine.dns.transactions.figures;
    assertEquals([queries, retransmitted, answers], [1, 1, 1]);
  });
});

Deno.test("a query without an answer is given up, and counted", async () => {
  const udp = relaying();
  const { answer } = udp;
  udp.answer = (client, relay) => {
    if (udp.relays.length > 1) relay.onDatagram = () => Promise.resolve();
    return answer(client, relay);
  };
  const short: Adjust = ({ timeouts }) => timeouts.dns = 200;
  await withDns(udp, async ({ engine, host }) => {
    host.sendUdp(5_000, SERVER, 53, queryOf(7, "lost"));
    const { transactions } = engine.dns;
    await eventually("it is given up", () => transactions.figures.timeouts === 1 || undefined);
    await eventually("its port is forgotten", () => engine.udp.mappings === 0 || undefined);
    assertEquals(transactions.inFlight, 0);
  }, short);
});

Deno.test("an answer from another server, or to another question, is none", async () => {
  const udp = relaying();
  const { answer } = udp;
  udp.answer = (client, relay) => {
    if (udp.relays.length > 1) {
      relay.onDatagram = async (datagram) => {
        const right = answered(datagram);
        const other = right.slice();
        other[7]!++;
        const question = right.slice();
        question[10 + 13]! ^= 1;
        for (const bytes of [other, question, right]) await relay.send(bytes);
      };
    }
    return answer(client, relay);
  };
  await withDns(udp, async ({ engine, host }) => {
    host.sendUdp(5_000, SERVER, 53, queryOf(7, "asked"));
    assertEquals(await answerOf(host, 5_000), answerTo(queryOf(7, "asked")));
    assertEquals(engine.dns.transactions.figures.mismatched, 2);
    assertEquals(host.datagrams.length, 1);
  });
});

Deno.test("the association for queries is lost: the next query makes another", async () => {
  const udp = relaying();
  const { answer } = udp;
  udp.answer = (client, relay) => {
    if (udp.relays.length > 1) {
      relay.onDatagram = (datagram) => relay.send(answered(datagram));
    }
    return answer(client, relay);
  };
  await withDns(udp, async ({ engine, host }) => {
    host.sendUdp(5_000, SERVER, 53, queryOf(7, "one"));
    await answerOf(host, 5_000);
    udp.controls[1]!.close();
    await eventually("it is lost", () => engine.counters.associationsLost === 1 || undefined);
    host.sendUdp(5_001, SERVER, 53, queryOf(8, "two"));
    assertEquals(readId(await answerOf(host, 5_001), 0), 8);
    assertEquals(udp.relays.length, 3);
  });
});

Deno.test("what is no query goes its way as any datagram to port 53", async () => {
  await withDns(relaying(), async ({ engine, host }) => {
    host.sendUdp(5_000, SERVER, 53, new Uint8Array([1, 2, 3]));
    assertEquals([...await answerOf(host, 5_000)], [1, 2, 3]);
    assertEquals(engine.dns.transactions.figures.queries, 0);
    assertEquals(engine.udp.associations, 1);
  });
});

Deno.test("without UDP queries go over TCP, to the server that was asked, a byte at a time", async () => {
  const udp = overTcp(async (client) => {
    for (;;) {
      for (const byte of framed(answerTo(await readQuery(client)))) await client.write(byte);
    }
  });
  const asked = new Set<string>();
  const { connect } = udp;
  udp.connect = (client, request, proxy) => {
    asked.add(`${request.host} ${request.port}`);
    return connect(client, request, proxy);
  };
  await withDns(udp, async ({ engine, host }) => {
    for (let i = 0; i < 40; i++) {
      host.sendUdp(5_000 + i, i % 2 ? SERVER : SERVER_6, 53, queryOf(7, `name-${i}`));
    }
    for (let i = 0; i < 40; i++) {
      assertEquals(await answerOf(host, 5_000 + i), answerTo(queryOf(7, `name-${i}`)));
    }
    assertEquals(asked, new Set([`${SERVER} 53`, `${SERVER_6} 53`]));
    assertEquals(engine.dns.transactions.figures.answers, 40);
  });
});

Deno.test("a server that closes after each answer is asked again until all have theirs", async () => {
  const udp = overTcp(async (client) => {
    await client.writeBytes(framed(answerTo(await readQuery(client))));
  });
  await withDns(udp, async ({ host }) => {
    for (let i = 0; i < 10; i++) host.sendUdp(5_000 + i, SERVER, 53, queryOf(i, `name-${i}`));
    for (let i = 0; i < 10; i++) {
      assertEquals(await answerOf(host, 5_000 + i), answerTo(queryOf(i, `name-${i}`)));
    }
  });
});

Deno.test("a long answer is cut to what the client takes, and says so", async () => {
  const udp = overTcp(async (client) => {
    for (;;) await client.writeBytes(framed(manyRecords(await readQuery(client), 100)));
  });
  await withDns(udp, async ({ host }) => {
    host.sendUdp(5_000, SERVER, 53, queryOf(7, "long"));
    const plain = await answerOf(host, 5_000);
    assert(plain.length <= 512, `${plain.length} bytes`);
    assert(isTruncated(plain, 0));
    host.sendUdp(5_001, SERVER, 53, withEdns(queryOf(7, "long"), 1_232));
    const extended = await answerOf(host, 5_001);
    assert(extended.length <= 1_232 && isTruncated(extended, 0), `${extended.length} bytes`);
    host.sendUdp(5_002, SERVER, 53, withEdns(queryOf(7, "long"), 4_096));
    const whole = await answerOf(host, 5_002);
    assertEquals([isTruncated(whole, 0), readAnswerCount(whole, 0)], [false, 100]);
  });
});

Deno.test("a server that cannot be reached: SERVFAIL at once", async () => {
  const udp = overTcp(() => Promise.resolve());
  udp.connect = (client) => client.reply(4);
  await withDns(udp, async ({ engine, host }) => {
    for (let i = 0; i < 5; i++) host.sendUdp(5_000 + i, SERVER, 53, queryOf(100 + i, "gone"));
    for (let i = 0; i < 5; i++) {
      const answer = await answerOf(host, 5_000 + i);
      assertEquals([readId(answer, 0), readRcode(answer, 0)], [100 + i, Rcode.ServFail]);
    }
    const { refused, answers } = engine.dns.transactions.figures;
    assertEquals([refused, answers, engine.dns.transactions.inFlight], [5, 0, 0]);
  });
});

Deno.test("no proxy at all: SERVFAIL at once, and answers when it is there", async () => {
  const udp = relaying();
  await withTunnel({
    script: udp.script,
    listening: false,
    set: (settings) => settings.udp = "auto",
  }, async ({ host, proxy, logged }) => {
    host.sendUdp(5_000, SERVER, 53, queryOf(1, "gone"));
    assertEquals(readRcode(await answerOf(host, 5_000), 0), Rcode.ServFail);
    await logged("cannot connect");
    proxy.start();
    const { answer } = udp;
    udp.answer = (client, relay) => {
      relay.onDatagram = (datagram) => relay.send(answered(datagram));
      return answer(client, relay);
    };
    host.sendUdp(5_001, SERVER, 53, queryOf(2, "there"));
    assertEquals(await answerOf(host, 5_001), answerTo(queryOf(2, "there")));
    await logged("reachable again");
  });
});

Deno.test("close with queries on their way leaves nothing, over UDP and over TCP", async () => {
  const silent = relaying();
  const { answer } = silent;
  silent.answer = (client, relay) => {
    if (silent.relays.length > 1) relay.onDatagram = () => Promise.resolve();
    return answer(client, relay);
  };
  const asked = () => silent.relays[1]?.received[0];
  let overTcpAsked = false;
  const silentTcp = overTcp(async (client) => {
    await readQuery(client);
    overTcpAsked = true;
    await client.drain();
  });
  for (
    const [udp, isAsked] of [
      [silent, asked],
      [silentTcp, () => overTcpAsked || undefined],
    ] as const
  ) {
    await withDns(udp, async ({ engine, host }) => {
      host.sendUdp(5_000, SERVER, 53, queryOf(7, "never"));
      await eventually<unknown>("it is asked", isAsked);
      await engine.close();
    });
  }
});

Deno.test("over TCP too, close while the proxy is being asked leaves nothing", async () => {
  const udp = overTcp(answerAll);
  udp.connect = async (client) => void await client.drain();
  await withDns(udp, async ({ engine, host, proxy }) => {
    const before = proxy.clients.length;
    host.sendUdp(5_000, SERVER, 53, queryOf(7, "never"));
    await eventually("the proxy is asked", () => proxy.clients.length > before || undefined);
    await engine.close();
  });
});
