/** The engine as a whole: many flows at once, its bounds, and how it ends. */

import { assert, assertEquals } from "@std/assert";
import type { FlowState } from "../../support/fake_local_flow.ts";
import { eventually } from "../../support/eventually.ts";
import { connecting, type Script } from "../../support/fake_socks5.ts";
import { type Adjust, quiet, type TunnelOptions, withTunnel } from "../../support/fake_tunnel.ts";

const FAR = "203.0.113.7";
const PATIENCE = 60_000;

const echoing = connecting((client) => client.echo());

/** So many flows at once, each sending and getting back so many bytes. */
async function transfer(options: TunnelOptions, flows: number, bytes: number): Promise<void> {
  await withTunnel(options, async ({ engine, host }) => {
    const all = Array.from({ length: flows }, (_, i) => {
      const flow = host.connect(i % 2 === 0 ? FAR : "2001:db8::7", 80 + i);
      flow.expectPattern(i);
      flow.sendPattern(i, bytes);
      flow.finish();
      return flow;
    });
    const states: FlowState[] = [];
    for (const flow of all) states.push(await flow.over());
    assertEquals(new Set(states), new Set(["closed"]));
    for (const flow of all) assertEquals([flow.bytesReceived, flow.wrongAt], [bytes, -1]);
    await quiet(engine);
    assertEquals(engine.counters.proxyBytesUp, flows * bytes);
    assertEquals(engine.counters.proxyBytesDown, flows * bytes);
    assertEquals(engine.counters.tcpResetByUs, 0);
  });
}

for (const vnet of [true, false]) {
  const name = vnet ? "offload" : "plain";

  Deno.test(`200 flows of 1 MB both ways (${name})`, () => {
    return transfer({ vnet, script: echoing }, 200, 1_000_000);
  });

  Deno.test(`with 64 slots of memory 40 flows take longer, and lose no byte (${name})`, () => {
    const set: Adjust = ({ limits }) => limits.totalBytes = 1 << 20;
    return transfer({ vnet, script: echoing, set }, 40, 1_000_000);
  });
}

Deno.test("beyond the bound on half-open flows a SYN is dropped, and comes again", async () => {
  let answer: () => void = () => {};
  const asked = new Promise<void>((resolve) => answer = resolve);
  const script: Script = async (client) => {
    await client.accept();
    await client.until(asked);
    await client.reply(0);
    await client.echo();
  };
  const set: Adjust = ({ limits }) => limits.halfOpen = 10;
  await withTunnel({ script, set }, async ({ engine, host }) => {
    const flows = Array.from({ length: 15 }, () => host.connect(FAR, 80));
    await eventually("SYNs are dropped", () => engine.counters.tcpSynDropped >= 5 || undefined);
    assertEquals(engine.stack.connections.halfOpen, 10);
    assertEquals(engine.tcpRelays, 10);
    answer();
    for (const flow of flows) assertEquals(await flow.opened(), "open");
    for (const flow of flows) flow.abort();
    await quiet(engine);
  });
});

Deno.test("beyond the bound on flows the newcomer is reset while the others are in use", async () => {
  const set: Adjust = ({ limits }) => limits.tcpFlows = 5;
  await withTunnel({ script: echoing, set }, async ({ engine, host }) => {
    const flows = Array.from({ length: 5 }, () => host.connect(FAR, 80));
    for (const flow of flows) assertEquals(await flow.opened(), "open");
    assertEquals(await host.connect(FAR, 80).opened(), "refused");
    for (const flow of flows) flow.abort();
    await quiet(engine);
    assertEquals(await host.connect(FAR, 80).opened(), "open");
  });
});

Deno.test("a flood of SYNs does not keep a flow that stands from its bytes", async () => {
  const script: Script = async (client) => {
    const { port } = await client.accept();
    if (port !== 80) return void await client.drain();
    await client.reply(0);
    await client.echo();
  };
  const set: Adjust = ({ limits }) => limits.halfOpen = 50;
  await withTunnel({ script, set }, async ({ engine, host }) => {
    const flow = host.connect(FAR, 80);
    await flow.opened();
    const flood = Array.from({ length: 500 }, () => host.connect(FAR, 81));
    flow.expectPattern(3);
    flow.sendPattern(3, 5_000_000);
    flow.finish();
    assertEquals(await flow.over(), "closed");
    assertEquals([flow.bytesReceived, flow.wrongAt], [5_000_000, -1]);
    assert(engine.counters.tcpSynDropped > 0);
    assertEquals(engine.stack.connections.halfOpen, 50);
    for (const one of flood) one.abortDial();
    await quiet(engine);
  });
});

Deno.test("stop: FIN to the live flows, which may end in their own time", async () => {
  await withTunnel({ script: echoing }, async ({ engine, host, proxy }) => {
    const flows = Array.from({ length: 10 }, () => host.connect(FAR, 80));
    for (const flow of flows) assertEquals(await flow.opened(), "open");
    const stopped = engine.stop(PATIENCE);
    for (const flow of flows) await flow.ended();
    // Nothing new is taken meanwhile.
    assertEquals(await host.connect(FAR, 80).opened(), "refused");
    for (const flow of flows) flow.send("the rest");
    for (const flow of flows) flow.finish();
    await stopped;
    for (const flow of flows) assertEquals(await flow.over(), "closed");
    for (const client of proxy.clients) {
      assertEquals(await eventually("the proxy's side ends", () => client.how), "end");
    }
  });
});

Deno.test("stop: after the grace time what is left is reset, on both sides", async () => {
  await withTunnel({ script: echoing }, async ({ engine, host, proxy }) => {
    const flows = Array.from({ length: 10 }, () => host.connect(FAR, 80));
    for (const flow of flows) assertEquals(await flow.opened(), "open");
    await engine.stop(200);
    for (const flow of flows) {
      assertEquals(await flow.over(), "reset");
      assert(flow.peerFinished, "FIN came first");
    }
    for (const client of proxy.clients) {
      assertEquals(await eventually("the proxy's side ends", () => client.how), "reset");
    }
  });
});

Deno.test("close while stop is waiting ends both at once", async () => {
  await withTunnel({ script: echoing }, async ({ engine, host }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    const stopped = engine.stop(24 * 3_600_000);
    await flow.ended();
    await engine.close();
    await stopped;
    assertEquals(await flow.over(), "reset");
  });
});

Deno.test("close in the middle of transfers leaves nothing", async () => {
  for (const vnet of [true, false]) {
    await withTunnel({ vnet, script: echoing }, async ({ engine, host }) => {
      const flows = Array.from({ length: 20 }, (_, i) => {
        const flow = host.connect(FAR, 80);
        flow.sendPattern(i, 50_000_000);
        return flow;
      });
      await Promise.all(flows.map((flow) => flow.arrived(100_000)));
      await engine.close();
      for (const flow of flows) assertEquals(await flow.over(), "reset");
    });
  }
});

Deno.test("close while flows wait for the proxy leaves nothing", async () => {
  const script: Script = async (client) => {
    await client.accept();
    await client.drain();
  };
  await withTunnel({ script }, async ({ engine, host, proxy }) => {
    const flows = Array.from({ length: 20 }, () => host.connect(FAR, 80));
    await eventually("the proxy is asked", () => proxy.clients.length === 20 || undefined);
    await engine.close();
    for (const flow of flows) assertEquals(await flow.over(), "refused");
  });
});

Deno.test("close in the middle of the question whether the proxy relays UDP is at once", async () => {
  const script: Script = async (client) => {
    await client.accept();
    await client.drain();
  };
  const set: Adjust = (settings) => settings.udp = "auto";
  await withTunnel({ script, set, started: false }, async ({ engine, proxy }) => {
    const started = engine.start();
    await eventually("the proxy is asked", () => proxy.clients[0]);
    const before = performance.now();
    await engine.close();
    await started;
    // The limits on a handshake are ten times that.
    assert(performance.now() - before < engine.settings.timeouts.proxyConnect);
  });
});

Deno.test("the device fails: the engine says so, and closes in order", async () => {
  const set: Adjust = (settings) => settings.udp = "off";
  await withTunnel({ script: echoing, set }, async ({ engine, host, device }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    device.fail();
    flow.send("wake up");
    assert((await engine.failed).includes("The TUN device failed"));
    await engine.close();
  });
});

Deno.test("the device fails while stop is waiting: that is the end of it", async () => {
  await withTunnel({ script: echoing }, async ({ engine, host, device }) => {
    const flow = host.connect(FAR, 80);
    assertEquals(await flow.opened(), "open");
    const stopped = engine.stop(24 * 3_600_000);
    await flow.ended();
    device.fail();
    flow.send("wake up");
    await stopped;
    assert((await engine.failed).includes("The TUN device failed"));
  });
});
