/** Whether the proxy relays UDP: what it says, what it does, where its relay is, and when it changes. */

import { assertEquals } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import type { FakeClient } from "../../support/fake_socks5.ts";
import { type Adjust, withTunnel } from "../../support/fake_tunnel.ts";
import {
  type FakeUdpRelay,
  portBytes,
  relaying,
  type UdpScript,
} from "../../support/fake_udp_relay.ts";

const FAR = "203.0.113.7";
const auto: Adjust = (settings) => settings.udp = "auto";

type Answer = (client: FakeClient, relay: FakeUdpRelay) => Promise<void>;

const bounds: Record<string, (relay: FakeUdpRelay) => readonly number[]> = {
  "0.0.0.0": (relay) => [0, 0, 0, 0, ...portBytes(relay)],
  "a private address": (relay) => [10, 1, 2, 3, ...portBytes(relay)],
  "a link-local address": (relay) => [169, 254, 2, 3, ...portBytes(relay)],
  "::": (relay) => [...new Array<number>(16).fill(0), ...portBytes(relay)],
  "::ffff:127.0.0.1": (relay) => {
    return [...new Array<number>(10).fill(0), 255, 255, 127, 0, 0, 1, ...portBytes(relay)];
  },
};

const answers: Record<string, Answer> = {
  "a name": (client, relay) => client.write(5, 0, 0, 3, 3, 97, 46, 98, ...portBytes(relay)),
};
for (const [name, bound] of Object.entries(bounds)) {
  answers[name] = (client, relay) => client.reply(0, bound(relay));
}

for (const [name, answer] of Object.entries(answers)) {
  Deno.test(`the relay is announced as ${name}: it is the proxy's own`, async () => {
    const udp = relaying();
    udp.answer = answer;
    await withTunnel({ script: udp.script, set: auto }, async ({ engine, host, logged }) => {
      await logged("The proxy relays UDP");
      assertEquals(engine.verdict.state, "relays");
      host.sendUdp(5_000, FAR, 7, new Uint8Array([1]));
      await eventually("it comes back", () => host.received(5_000)[0]);
    });
  });
}

/** UDP is refused at once, and DNS goes its other way. */
async function refusedAtOnce({ script }: UdpScript, reason: string): Promise<void> {
  await withTunnel({ script, set: auto }, async ({ engine, host, proxy, logged }) => {
    await logged(`The proxy does not relay UDP (${reason}`);
    assertEquals(engine.verdict.state, "no");
    const asked = proxy.clients.length;
    for (const address of [FAR, "2001:db8::7"]) {
      for (let i = 0; i < 3; i++) host.sendUdp(5_000 + i, address, 443, new Uint8Array(1_200));
    }
    await eventually("all are refused", () => host.errors.length === 6 || undefined);
    assertEquals(new Set(host.errors.map(({ error }) => error)), new Set(["port-unreachable"]));
    assertEquals(engine.counters.udpRefused, 6);
    assertEquals(proxy.clients.length, asked, "the proxy is left alone");
  });
}

Deno.test("a proxy that knows no ASSOCIATE: UDP is refused at once", () => {
  const udp = relaying();
  udp.answer = (client) => client.reply(7);
  return refusedAtOnce(udp, "the proxy answered: command not supported (7)");
});

Deno.test("a proxy that closes when it is asked for one, as ssh does", () => {
  const udp = relaying();
  udp.answer = (client) => Promise.resolve(client.close());
  return refusedAtOnce(udp, "the proxy closed the connection during its reply");
});

Deno.test("a proxy that says yes and relays nothing", () => {
  const udp = relaying();
  udp.answer = (client, relay) => {
    relay.onDatagram = () => Promise.resolve();
    return client.reply(0, [127, 0, 0, 1, ...portBytes(relay)]);
  };
  return refusedAtOnce(udp, "it took the request, but no datagram came back");
});

Deno.test("a proxy that says yes and closes", () => {
  const udp = relaying();
  udp.answer = async (client) => {
    await client.reply(0, [127, 0, 0, 1, 0, 9]);
    client.close();
  };
  return refusedAtOnce(udp, "");
});

Deno.test("a proxy that hangs when it is asked does not keep the tunnel from its start", async () => {
  const udp = relaying();
  udp.answer = () => Promise.resolve();
  const set: Adjust = (settings) => {
    settings.udp = "auto";
    settings.timeouts.proxyConnect = 1_000;
  };
  await withTunnel({ script: udp.script, set }, async ({ engine, host }) => {
    // Asked twice, pipelined and not; what a far end may take has no part in it.
    assertEquals(engine.counters.proxyHandshakeTimeout, 2);
    host.sendUdp(5_000, FAR, 443, new Uint8Array(1));
    await eventually(
      "an association fails",
      () => engine.counters.associationsFailed === 2 || undefined,
    );
    host.sendUdp(5_000, FAR, 443, new Uint8Array(1));
    const [first] = await eventually("it is refused", () => host.errors[0] && host.errors);
    assertEquals(first!.error, "network-unreachable");
  });
});

Deno.test("UDP that is switched off is refused at once, and the proxy is not asked", async () => {
  const udp = relaying();
  await withTunnel({ script: udp.script }, async ({ engine, host, proxy }) => {
    assertEquals(engine.verdict.state, "off");
    host.sendUdp(5_000, FAR, 443, new Uint8Array(1));
    const { error } = await eventually("it is refused", () => host.errors[0]);
    assertEquals([error, proxy.clients.length], ["port-unreachable", 0]);
  });
});

Deno.test("the proxy comes back as another one: it is asked again, and the log says so", async () => {
  const udp = relaying();
  const { answer } = udp;
  udp.answer = (client) => client.reply(7);
  await withTunnel({ script: udp.script, set: auto }, async ({ engine, host, proxy, logged }) => {
    await logged("The proxy does not relay UDP");
    await proxy.stop();
    assertEquals(await host.connect(FAR, 80).opened(), "network-unreachable");
    udp.answer = answer;
    proxy.start();
    assertEquals(await host.connect(FAR, 80).opened(), "refused");
    await logged("reachable again");
    await logged("The proxy relays UDP");
    assertEquals(engine.verdict.state, "relays");
    host.sendUdp(5_000, FAR, 7, new Uint8Array([1]));
    await eventually("it comes back", () => host.received(5_000)[0]);
  });
});
