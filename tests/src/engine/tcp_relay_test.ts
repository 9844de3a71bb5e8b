/** One flow: each end of it, each direction, in order and not. What one side does the other one sees. */

import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { connecting, type FakeClient, type Script } from "../../support/fake_socks5.ts";
import { type Adjust, quiet, seenAsReset, withTunnel } from "../../support/fake_tunnel.ts";
import { fillPattern, findDifference } from "../../netsim/pattern.ts";

const FAR = "203.0.113.7";
const FAR_6 = "2001:db8::7";
const PATIENCE = 60_000;

/** How a connection of the proxy has ended, once the script has read to its end. */
function fate(client: FakeClient | undefined): Promise<"end" | "reset"> {
  return eventually("the proxy's side ends", () => client?.how, PATIENCE);
}

for (const vnet of [true, false]) {
  const name = vnet ? "offload" : "plain";

  Deno.test(`the local end first, then the far end (${name})`, async () => {
    const script = connecting(async (client) => {
      assertEquals((await client.drain()).how, "end");
      await client.write(new TextEncoder().encode("and goodbye"));
    });
    await withTunnel({ vnet, script }, async ({ engine, host }) => {
      for (const address of [FAR, FAR_6]) {
        const flow = host.connect(address, 80);
        flow.send("question");
        flow.finish();
        assertEquals(await flow.over(), "closed");
        assertEquals(flow.text, "and goodbye");
      }
      await quiet(engine);
      assertEquals(engine.counters.tcpResetByUs, 0);
    });
  });

  Deno.test(`the far end first, then the local end (${name})`, async () => {
    let rest = "";
    const script = connecting(async (client) => {
      await client.write(new TextEncoder().encode("all I have"));
      await client.connection.closeWrite();
      rest = new TextDecoder().decode(await client.read(10));
      await client.drain();
    });
    await withTunnel({ vnet, script }, async ({ engine, host, proxy }) => {
      const flow = host.connect(FAR, 80);
      await flow.ended();
      assertEquals(flow.text, "all I have");
      assertEquals(flow.state, "open");
      flow.send("still here");
      flow.finish();
      assertEquals(await fate(proxy.clients[0]), "end");
      assertEquals(rest, "still here");
      assertEquals(await flow.over(), "closed");
      await quiet(engine);
    });
  });

  Deno.test(`a reset by the proxy in the middle of a transfer is a reset (${name})`, async () => {
    const script = connecting(async (client) => {
      await client.read(100_000);
      client.reset();
    });
    await withTunnel({ vnet, script }, async ({ engine, host }) => {
      const flow = host.connect(FAR, 80);
      flow.sendPattern(1, 50_000_000);
      assertEquals(await flow.over(), "reset");
      assertEquals(engine.counters.proxyReset, 1);
      await quiet(engine);
    });
  });

  Deno.test(`a reset by the proxy while it sends is a reset (${name})`, async () => {
    const script = connecting(async (client) => {
      await client.writeBytes(new Uint8Array(100_000));
      await client.read(1);
      client.reset();
    });
    await withTunnel({ vnet, script }, async ({ engine, host }) => {
      const flow = host.connect(FAR, 80);
      await flow.arrived(100_000);
      flow.send("x");
      assertEquals(await flow.over(), "reset");
      await quiet(engine);
    });
  });

  Deno.test(`the far end's bytes arrive although its end comes at once (${name})`, async () => {
    const payload = new Uint8Array(3_000_000);
    fillPattern(payload, 0, payload.length, 4, 0);
    const script = connecting(async (client) => {
      await client.writeBytes(payload);
      await client.connection.closeWrite();
      await client.drain();
    });
    await withTunnel({ vnet, script }, async ({ engine, host }) => {
      const flow = host.connect(FAR, 80);
      flow.expectPattern(4);
      await flow.ended();
      assertEquals([flow.bytesReceived, flow.wrongAt], [payload.length, -1]);
      flow.finish();
      assertEquals(await flow.over(), "closed");
      await quiet(engine);
    });
  });

  Deno.test(`a reset by the application reaches the far end as one (${name})`, async () => {
    const script = connecting(async (client) => void await client.drain());
    await withTunnel({ vnet, script }, async ({ engine, host, proxy }) => {
      const flow = host.connect(FAR, 80);
      flow.sendPattern(1, 200_000);
      await eventually("the transfer is under way", () => flow.bytesSent > 0 || undefined);
      flow.abort();
      assertEquals(await fate(proxy.clients[0]), seenAsReset);
      await quiet(engine);
      assertEquals(engine.counters.tcpResetByPeer, 1);
    });
  });

  Deno.test(`a proxy that stops reading: the window closes, and opens again (${name})`, async () => {
    let goOn: () => void = () => {};
    const mayRead = new Promise<void>((resolve) => goOn = resolve);
    let wrongAt = -1;
    let total = 0;
    const script = connecting(async (client) => {
      await client.until(mayRead);
      for (let some = await client.readSome(); some !== undefined; some = await client.readSome()) {
        const wrong = findDifference(some, 0, some.length, 5, total);
        if (wrong >= 0 && wrongAt < 0) wrongAt = wrong;
        total += some.length;
      }
    });
    const set: Adjust = ({ limits }) => limits.flowBytes = 256 << 10;
    await withTunnel({ vnet, script, set }, async ({ engine, host }) => {
      const flow = host.connect(FAR, 80);
      flow.sendPattern(5, 30_000_000);
      // The kernel's buffers take some megabytes; then nothing moves but window probes.
      await stalls(() => engine.counters.proxyBytesUp);
      assert(flow.bytesSent < 30_000_000, "the window closes");
      // A slot of 68 KiB may hold less than it could; the reorder queue's come on top.
      assert(engine.bytesBuffered <= 3 * (256 << 10), `${engine.bytesBuffered} bytes are held`);
      goOn();
      flow.finish();
      assertEquals(await flow.over(), "closed");
      assertEquals([total, wrongAt], [30_000_000, -1]);
      await quiet(engine);
    });
  });

  Deno.test(`an application that stops reading: the proxy is not read (${name})`, async () => {
    const payload = new Uint8Array(20_000_000);
    fillPattern(payload, 0, payload.length, 6, 0);
    const script = connecting(async (client) => {
      await client.writeBytes(payload);
      await client.connection.closeWrite();
      await client.drain();
    });
    const set: Adjust = ({ limits }) => limits.flowBytes = 256 << 10;
    await withTunnel({ vnet, script, set, localFlowBytes: 256 << 10 }, async ({ engine, host }) => {
      const flow = host.connect(FAR, 80);
      flow.expectPattern(6);
      flow.hold();
      await stalls(() => engine.counters.proxyBytesDown);
      assert(flow.bytesReceived < payload.length);
      assert(engine.bytesBuffered <= 3 * (256 << 10), `${engine.bytesBuffered} bytes are held`);
      flow.resume();
      await flow.ended();
      assertEquals([flow.bytesReceived, flow.wrongAt], [payload.length, -1]);
      flow.finish();
      assertEquals(await flow.over(), "closed");
      await quiet(engine);
    });
  });
}

/** Waits until something has begun to grow and does so no more. */
async function stalls(figure: () => number): Promise<void> {
  let last = -1;
  let since = performance.now();
  await eventually("it stalls", () => {
    const now = figure();
    if (now !== last) since = performance.now();
    last = now;
    return (now > 0 && performance.now() - since > 500) || undefined;
  }, PATIENCE);
}

Deno.test("the proxy dies in the middle of transfers: resets, and the next flow finds it gone", async () => {
  const script = connecting((client) => client.echo());
  await withTunnel({ script }, async ({ engine, host, proxy, logged }) => {
    const flows = Array.from({ length: 20 }, (_, i) => {
      const flow = host.connect(FAR, 80);
      flow.sendPattern(i, 50_000_000);
      return flow;
    });
    await Promise.all(flows.map((flow) => flow.arrived(100_000)));
    await proxy.stopListening();
    for (const client of proxy.clients) client.reset();
    for (const flow of flows) assertEquals(await flow.over(), "reset");
    assertEquals(engine.counters.proxyReset, flows.length);
    await logged("a connection was reset");
    assertEquals(await host.connect(FAR, 80).opened(), "network-unreachable");
    await logged("cannot connect");
    await quiet(engine);
  });
});

Deno.test("the client gives up during the dial: the proxy's connection ends", async () => {
  const script: Script = async (client) => {
    await client.accept();
    await client.drain();
  };
  await withTunnel({ script }, async ({ engine, host, proxy }) => {
    const flow = host.connect(FAR, 80);
    await eventually("the proxy is asked", () => proxy.clients[0]);
    assertEquals(engine.stack.connections.halfOpen, 1);
    flow.abortDial();
    assert(await fate(proxy.clients[0]));
    assertEquals(engine.counters.tcpResetByPeer, 1);
    await quiet(engine);
  });
});

Deno.test("the client is gone when the proxy answers: it sees a reset", async () => {
  let answer: () => void = () => {};
  const asked = new Promise<void>((resolve) => answer = resolve);
  const script: Script = async (client) => {
    await client.accept();
    await client.until(asked);
    await client.reply(0);
    await client.drain();
  };
  await withTunnel({ script }, async ({ engine, host, proxy }) => {
    const flow = host.connect(FAR, 80);
    await eventually("the proxy is asked", () => proxy.clients[0]);
    flow.abort();
    answer();
    assertEquals(await fate(proxy.clients[0]), seenAsReset);
    await quiet(engine);
    assertEquals(engine.counters.tcpResetByPeer, 1);
  });
});

Deno.test("early accept: bytes wait for the proxy", async () => {
  let answer: () => void = () => {};
  const asked = new Promise<void>((resolve) => answer = resolve);
  const script: Script = async (client) => {
    await client.accept();
    await client.until(asked);
    await client.reply(0);
    await client.echo();
  };
  const set: Adjust = (settings) => settings.earlyAccept = true;
  await withTunnel({ script, set }, async ({ engine, host }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    flow.expectPattern(9);
    flow.sendPattern(9, 3_000_000);
    flow.finish();
    answer();
    assertEquals(await flow.over(), "closed");
    assertEquals([flow.bytesReceived, flow.wrongAt], [3_000_000, -1]);
    await quiet(engine);
  });
});

Deno.test("early accept: what the proxy refuses is reset", async () => {
  const script: Script = async (client) => {
    await client.accept();
    await client.reply(5);
  };
  const set: Adjust = (settings) => settings.earlyAccept = true;
  await withTunnel({ script, set }, async ({ engine, host }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.over(), "reset");
    assertEquals(host.errors, []);
    assertEquals(engine.counters.proxyRefused, 1);
    await quiet(engine);
  });
});

Deno.test("early accept: an application that gives up ends the dial", async () => {
  const script: Script = async (client) => {
    await client.accept();
    await client.drain();
  };
  const set: Adjust = (settings) => settings.earlyAccept = true;
  await withTunnel({ script, set }, async ({ engine, host, proxy }) => {
    const flow = host.connect(FAR, 80);
    flow.sendPattern(1, 10_000);
    await eventually("the proxy is asked", () => proxy.clients[0]);
    await eventually("bytes wait", () => engine.bytesBuffered > 0 || undefined);
    flow.abort();
    assert(await fate(proxy.clients[0]));
    await quiet(engine);
  });
});

Deno.test("no route for a loopback or a link-local address: prohibited, and no proxy asked", async () => {
  const script = connecting((client) => client.echo());
  await withTunnel({ script }, async ({ engine, host, proxy }) => {
    for (const address of ["127.0.0.5", "169.254.1.1", "::1", "fe80::1"]) {
      assertEquals(await host.connect(address, 80).opened(), "prohibited");
    }
    assertEquals(proxy.clients.length, 0);
    await quiet(engine);
  });
});
