import { assert, assertEquals, assertThrows } from "@std/assert";
import { Socks5Server } from "../../../src/socks_server/server.ts";
import { ClosedPort } from "../../support/closed_port.ts";
import { Client, echo, resetConnection, withServer, withTcpServer } from "./client.ts";

const encoder = new TextEncoder();

function named(name: string, port: number): number[] {
  return [5, 1, 0, 3, name.length, ...encoder.encode(name), port >> 8, port & 255];
}

Deno.test("CONNECT carries bytes both ways, and a half-close in each direction", async () => {
  const far = async (connection: Client) => {
    // Counts until the client's half-close, then answers in the other half.
    const received = await connection.takeBytes(1 << 20);
    await connection.sendAll(received);
    await connection.connection.closeWrite();
  };
  await withTcpServer(far, (port) =>
    withServer({}, async ({ server, open }) => {
      const client = await open();
      assertEquals(await client.connect(port), 0);
      const sent = crypto.getRandomValues(new Uint8Array(60_000));
      await client.sendAll(sent);
      await client.connection.closeWrite();
      assertEquals(await client.takeBytes(1 << 20), sent);
      assertEquals([server.counters.bytesUp, server.counters.bytesDown], [60_000, 60_000]);
    }));
});

Deno.test("the destination closes first, the client goes on sending", async () => {
  const arrived = Promise.withResolvers<number[]>();
  const far = async (connection: Client) => {
    await connection.send(1);
    await connection.connection.closeWrite();
    arrived.resolve(await connection.take(100));
  };
  await withTcpServer(far, (port) =>
    withServer({}, async ({ open }) => {
      const client = await open();
      await client.connect(port);
      assertEquals(await client.take(100), [1]);
      await client.send(7, 8);
      await client.connection.closeWrite();
      assertEquals(await arrived.promise, [7, 8]);
    }));
});

Deno.test("BND.ADDR and BND.PORT are the ones that the destination sees", async () => {
  const seen = Promise.withResolvers<Deno.NetAddr>();
  const far = async (connection: Client) => {
    seen.resolve(connection.connection.remoteAddr);
    await connection.fate();
  };
  await withTcpServer(far, (port) =>
    withServer({}, async ({ open }) => {
      const client = await open();
      await client.send(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255);
      const reply = (await client.take(12)).slice(2);
      const source = await seen.promise;
      assertEquals(reply, [5, 0, 0, 1, 127, 0, 0, 1, source.port >> 8, source.port & 255]);
    }));
});

Deno.test("pipelined: what follows the request is payload, in any pieces", async () => {
  await withTcpServer(
    echo,
    (port) =>
      withServer({ credentials: { user: "u", password: "pw" } }, async ({ open }) => {
        const all = [5, 2, 0, 2, 1, 1, 0x75, 2, 0x70, 0x77, ...named("127.0.0.1", port), 1, 2, 3];
        for (const piece of [1, 2, 7, all.length]) {
          const client = await open();
          for (let at = 0; at < all.length; at += piece) {
            await client.send(...all.slice(at, at + piece));
          }
          const replies = await client.take(4 + 10 + 3);
          assertEquals(replies.slice(0, 6), [5, 2, 1, 0, 5, 0]);
          assertEquals(replies.slice(14), [1, 2, 3]);
        }
      }),
  );
});

Deno.test("more payload than the handshake reads ahead is not lost while it connects", async () => {
  await withTcpServer(echo, (port) =>
    withServer({}, async ({ open }) => {
      const client = await open();
      const payload = crypto.getRandomValues(new Uint8Array(20_000));
      const head = [5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255];
      await client.sendAll(new Uint8Array([...head, ...payload]));
      await client.connection.closeWrite();
      await client.take(12);
      assertEquals(await client.takeBytes(1 << 20), payload);
    }));
});

Deno.test("a megabyte both ways at once grows the buffers and keeps every byte", async () => {
  await withTcpServer(echo, (port) =>
    withServer({}, async ({ open }) => {
      const client = await open();
      await client.connect(port);
      const sent = new Uint8Array(4 << 20).map((_, i) => i % 251);
      const [, received] = await Promise.all([
        client.sendAll(sent).then(() => client.connection.closeWrite()),
        client.takeBytes(8 << 20),
      ]);
      assertEquals(received.length, sent.length);
      assert(received.every((byte, i) => byte === i % 251));
    }));
});

Deno.test("passwords: right, wrong user, wrong password, not offered", async () => {
  const credentials = { user: "alice", password: "secret" };
  await withServer({ credentials }, async ({ server, open }) => {
    const attempt = async (user: string, password: string) => {
      const client = await open();
      await client.send(5, 1, 2);
      assertEquals(await client.take(2), [5, 2]);
      const text = [user, password].map((part) => [part.length, ...encoder.encode(part)]);
      await client.send(1, ...text.flat());
      const answer = await client.take(2);
      if (answer[1] !== 0) assertEquals(await client.take(1), []);
      return answer;
    };
    assertEquals(await attempt("alice", "secret"), [1, 0]);
    assertEquals(await attempt("bob", "secret"), [1, 1]);
    assertEquals(await attempt("alice", "secre"), [1, 1]);
    assertEquals(await attempt("", ""), [1, 1]);
    const without = await open();
    await without.send(5, 1, 0);
    assertEquals(await without.take(3), [5, 255]);
    assertEquals(server.counters.authFailures, 4);
  });
});

Deno.test("reply codes: refused, port 0, BIND, no such command, address type, impossible name", async () => {
  await withServer({ udp: false }, async ({ server, open }) => {
    const ask = async (...request: number[]) => {
      const client = await open();
      await client.send(5, 1, 0);
      await client.take(2);
      await client.send(...request);
      const reply = await client.take(100);
      // The whole reply, then an orderly end: the client has read why.
      assertEquals(reply.length, 10);
      return reply[1];
    };
    using closed = new ClosedPort("tcp");
    const { port } = closed;
    assertEquals(await ask(5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255), 5);
    assertEquals(await ask(...named("localhost", port)), 5);
    assertEquals(await ask(5, 1, 0, 1, 127, 0, 0, 1, 0, 0), 5);
    assertEquals(await ask(5, 2, 0, 1, 127, 0, 0, 1, 0, 80), 7);
    assertEquals(await ask(5, 3, 0, 1, 0, 0, 0, 0, 0, 0), 7);
    assertEquals(await ask(5, 9, 0, 1, 0, 0, 0, 0, 0, 0), 7);
    assertEquals(await ask(5, 1, 0, 2, 1, 1, 1, 1), 8);
    assertEquals(await ask(...named("no spaces here", 80)), 4);
    assertEquals(server.counters.connectFailures, 4);
  });
});

Deno.test("clients that do not speak SOCKS5 are closed, and counted", async () => {
  await withServer({}, async ({ server, open }) => {
    for (const bytes of [[4, 1, 0, 80, 1, 2, 3, 4, 0], [0x47, 0x45, 0x54], [5, 0], [5, 1, 0, 6]]) {
      const client = await open();
      await client.send(...bytes);
      await client.fate();
    }
    const quitter = await open();
    await quitter.send(5);
    await quitter.connection.closeWrite();
    assertEquals(await quitter.fate(), "end");
    assertEquals(server.counters.handshakeFailures, 5);
  });
});

Deno.test("limits: a slow handshake, an idle relay, a half-closed one", async () => {
  await withServer({ limits: { handshake: 40 } }, async ({ server, open }) => {
    const client = await open();
    await client.send(5, 1);
    assertEquals(await client.fate(), "end");
    assertEquals(server.counters.handshakeTimeouts, 1);
  });
  const silent = async (far: Client) => {
    await far.fate();
  };
  await withTcpServer(silent, async (port) => {
    await withServer({ limits: { idle: 40 } }, async ({ server, open }) => {
      const client = await open();
      await client.connect(port);
      assertEquals(await client.fate(), "end");
      assertEquals(server.counters.idleTimeouts, 1);
    });
  });
  const deaf = Promise.withResolvers<void>();
  await withTcpServer(() => deaf.promise, async (port) => {
    await withServer({ limits: { halfClosed: 40 } }, async ({ server, open }) => {
      const client = await open();
      await client.connect(port);
      await client.connection.closeWrite();
      assertEquals(await client.fate(), "end");
      assertEquals(server.counters.idleTimeouts, 1);
      deaf.resolve();
    });
  });
});

Deno.test("full: a newcomer is closed while the others are busy", async () => {
  await withServer({ limits: { connections: 2 } }, async ({ server, open }) => {
    const first = await open();
    const second = await open();
    for (const client of [first, second]) {
      await client.send(5, 1, 0);
      await client.take(2);
    }
    const third = await open();
    await third.fate();
    assertEquals([server.counters.refusedFull, server.connections], [1, 2]);
    first.close();
    await second.send(5, 2, 0, 1, 0, 0, 0, 0, 0, 0);
    assertEquals((await second.take(10))[1], 7);
  });
});

Deno.test("full: what has been idle longest makes room", async () => {
  await withTcpServer(
    echo,
    (port) =>
      withServer({ limits: { connections: 2, evictableAfter: 0 } }, async ({ server, open }) => {
        const idle = await open();
        await idle.connect(port);
        const handshaking = await open();
        await handshaking.send(5, 1, 0);
        await handshaking.take(2);
        const newcomer = await open();
        assertEquals(await newcomer.connect(port), 0);
        await idle.fate();
        assertEquals([server.counters.evicted, server.counters.refusedFull], [1, 0]);
      }),
  );
});

Deno.test("a reset by the destination reaches the client as one", async () => {
  const far = async (connection: Client) => {
    await connection.take(1);
    resetConnection(connection.connection);
  };
  await withTcpServer(
    far,
    (port) =>
      withServer({ reset: resetConnection }, async ({ server, open }) => {
        const client = await open();
        await client.connect(port);
        await client.send(1);
        assertEquals(await client.fate(), "reset");
        assertEquals(server.counters.resets, 1);
      }),
  );
});

Deno.test("a reset by the client reaches the destination as one", async () => {
  const fate = Promise.withResolvers<string>();
  const far = async (connection: Client) => {
    await connection.send(1);
    fate.resolve(await connection.fate());
  };
  await withTcpServer(far, (port) =>
    withServer({ reset: resetConnection }, async ({ open }) => {
      const client = await open();
      await client.connect(port);
      await client.take(1);
      resetConnection(client.connection);
      assertEquals(await fate.promise, "reset");
    }));
});

Deno.test("close: ends what is quiet at once, waits for nothing that is gone", async () => {
  await withTcpServer(echo, async (port) => {
    const server = new Socks5Server({ listen: { hostname: "127.0.0.1", port: 0 }, udp: true });
    const { port: socksPort } = server.start();
    assertThrows(() => server.start());
    const waiting = await Deno.connect({ hostname: "127.0.0.1", port: socksPort });
    const busy = await Client.open(socksPort);
    await busy.connect(port);
    await busy.send(1);
    await busy.take(1);
    // The handshake ends at once; the relay was busy a moment ago, so it is waited for, then reset.
    await server.close(1);
    assertEquals(server.connections, 0);
    assertEquals(await new Client(waiting).fate(), "end");
    await busy.fate();
    busy.close();
    waiting.close();
    await server.close(0);
  });
});

Deno.test("close: a relay that finishes in time is not cut", async () => {
  await withTcpServer(echo, (port) =>
    withServer({}, async ({ server, open }) => {
      const client = await open();
      await client.connect(port);
      await client.send(1);
      await client.take(1);
      const closed = server.close(600_000);
      await client.send(2);
      assertEquals(await client.take(1), [2]);
      await client.connection.closeWrite();
      assertEquals(await client.fate(), "end");
      await closed;
      assertEquals(server.counters.resets, 0);
    }));
});

Deno.test("IPv6: served on ::1, connecting to ::1", async () => {
  const listener = Deno.listen({ hostname: "::1", port: 0 });
  const server = new Socks5Server({ listen: { hostname: "::1", port: 0 }, udp: false });
  const { port } = server.start();
  const client = await Client.open(port, "::1");
  const accepted = listener.accept();
  const one = [...new Array(15).fill(0), 1];
  const to = listener.addr.port;
  await client.send(5, 1, 0, 5, 1, 0, 4, ...one, to >> 8, to & 255);
  assertEquals((await client.take(24)).slice(2, 22), [5, 0, 0, 4, ...one]);
  (await accepted).close();
  assertEquals(await client.fate(), "end");
  client.close();
  await server.close(0);
  listener.close();
});
