/** UDP flows: sizes, replies from anybody, shared associations, bounds, and what an application is told. */

import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import type { LocalHost } from "../../support/fake_local_host.ts";
import {
  type Adjust,
  type FakeTunnel,
  quiet,
  type TunnelOptions,
  withTunnel,
} from "../../support/fake_tunnel.ts";
import { relaying, type UdpScript } from "../../support/fake_udp_relay.ts";
import { fillPattern, findDifference } from "../../netsim/pattern.ts";
import { udpHeaderLength, writeUdpHeader } from "../../../src/wire/socks5.ts";
import { parseAddress } from "../../../src/addr/address.ts";

const FAR = "203.0.113.7";
const OTHER = "203.0.113.8";
const FAR_6 = "2001:db8::7";
const PATIENCE = 60_000;

/** A tunnel whose proxy relays UDP, which it has been asked; `udp.relays[0]` was for that. */
async function withUdp(
  options: Partial<TunnelOptions>,
  body: (tunnel: FakeTunnel, udp: UdpScript) => Promise<void>,
): Promise<void> {
  const udp = relaying();
  const set: Adjust = (settings) => {
    settings.udp = "auto";
    options.set?.(settings);
  };
  await withTunnel({ ...options, script: udp.script, set }, async (tunnel) => {
    assertEquals(tunnel.engine.verdict.state, "relays");
    await body(tunnel, udp);
    await quiet(tunnel.engine);
  });
}

async function arrived(host: LocalHost, port: number, count: number): Promise<void> {
  const enough = () => host.received(port).length >= count || undefined;
  await eventually(`${count} datagrams come to port ${port}`, enough, PATIENCE);
}

/** A datagram as a relay sends it: from `host` and `port`. */
function relayed(host: string, port: number, text: string, frag = 0): Uint8Array {
  const address = parseAddress(host)!;
  const header = udpHeaderLength(address.length);
  const payload = new TextEncoder().encode(text);
  const bytes = new Uint8Array(header + payload.length);
  writeUdpHeader(bytes, 0, address, 0, address.length, port);
  bytes[2] = frag;
  bytes.set(payload, header);
  return bytes;
}

for (const vnet of [true, false]) {
  const name = vnet ? "offload" : "plain";

  Deno.test(`datagrams of every size come back as they went (${name})`, async () => {
    await withUdp({ vnet }, async ({ host }) => {
      for (const [far, largest] of [[FAR, 65_497], [FAR_6, 65_485]] as const) {
        const sizes = [0, 1, 8, 1_200, 1_452, 1_472, 1_473, 4_096, 9_000, 32_768, largest];
        for (const [index, size] of sizes.entries()) {
          const payload = new Uint8Array(size);
          fillPattern(payload, 0, size, size, 0);
          const port = (far === FAR ? 5_000 : 6_000) + index;
          host.sendUdp(port, far, 7, payload);
          await arrived(host, port, 1);
          const [datagram] = host.received(port);
          assertEquals([datagram!.payload.length, datagram!.fromPort], [size, 7]);
          assertEquals(findDifference(datagram!.payload, 0, size, size, 0), -1);
        }
      }
    });
  });

  Deno.test(`what no relay can carry is too big, and the error says what is not (${name})`, async () => {
    await withUdp({ vnet }, async ({ engine, host }) => {
      host.sendUdp(5_000, FAR, 7, new Uint8Array(65_498));
      host.sendUdp(5_001, FAR_6, 7, new Uint8Array(65_486));
      await eventually("both are refused", () => host.errors.length >= 2 || undefined, PATIENCE);
      assertEquals(host.errors, [
        { error: "too-big", mtu: 65_497 + 28, protocol: 17, sourcePort: 5_000, port: 7 },
        { error: "too-big", mtu: 65_485 + 48, protocol: 17, sourcePort: 5_001, port: 7 },
      ]);
      assertEquals(engine.counters.udpTooBig, 2);
    });
  });
}

Deno.test("a local port's only association brings whatever anybody sends", async () => {
  await withUdp({}, async ({ engine, host }, { relays }) => {
    host.sendUdp(5_000, FAR, 7, new Uint8Array(1));
    await arrived(host, 5_000, 1);
    await relays[1]!.send(relayed(OTHER, 4_242, "hello"));
    await arrived(host, 5_000, 2);
    const { from, fromPort, payload } = host.received(5_000)[1]!;
    assertEquals([from, fromPort, new TextDecoder().decode(payload)], [OTHER, 4_242, "hello"]);
    // One mapping, whomever it talks to.
    host.sendUdp(5_000, OTHER, 8, new Uint8Array(1));
    await arrived(host, 5_000, 3);
    assertEquals([engine.udp.mappings, engine.udp.associations], [1, 1]);
  });
});

Deno.test("fragments, rubbish and the other family are dropped and counted", async () => {
  await withUdp({}, async ({ engine, host }, { relays }) => {
    host.sendUdp(5_000, FAR, 7, new Uint8Array(1));
    await arrived(host, 5_000, 1);
    const relay = relays[1]!;
    await relay.send(relayed(FAR, 7, "first", 1));
    await relay.send(relayed(FAR, 7, "last", 0x82));
    await relay.send(new Uint8Array([0, 0, 0, 1, 1]));
    await relay.send(new Uint8Array(0));
    await relay.send(new Uint8Array([0, 0, 0, 9, 1, 2, 3, 4, 0, 7]));
    await relay.send(new Uint8Array([0, 0, 0, 3, 1, 97, 0, 7, 1]));
    await relay.send(relayed(FAR_6, 7, "six"));
    await relay.send(relayed(FAR, 7, "whole"));
    await arrived(host, 5_000, 2);
    assertEquals(new TextDecoder().decode(host.received(5_000)[1]!.payload), "whole");
    assertEquals(engine.counters.udpFragmentDropped, 2);
    assertEquals(engine.counters.udpMalformed, 4);
    assertEquals(engine.counters.udpUnclaimed, 1);
  });
});

Deno.test("ports that only ask share an association, but not for the same remote", async () => {
  await withUdp({}, async ({ engine, host }, { relays }) => {
    host.sendUdp(5_000, FAR, 443, new Uint8Array([1]));
    host.sendUdp(5_001, OTHER, 443, new Uint8Array([2]));
    await arrived(host, 5_000, 1);
    await arrived(host, 5_001, 1);
    assertEquals(engine.udp.associations, 1);
    host.sendUdp(5_002, FAR, 443, new Uint8Array([3]));
    await arrived(host, 5_002, 1);
    assertEquals(engine.udp.associations, 2);
    // To each its own, also when the answer comes later.
    await relays[1]!.send(relayed(FAR, 443, "for the first"));
    await relays[2]!.send(relayed(FAR, 443, "for the third"));
    await arrived(host, 5_000, 2);
    await arrived(host, 5_002, 2);
    const texts = [5_000, 5_002].map((port) => {
      return new TextDecoder().decode(host.received(port)[1]!.payload);
    });
    assertEquals(texts, ["for the first", "for the third"]);
    // Nobody asked that one, and two are listening.
    await relays[1]!.send(relayed(FAR, 444, "for whom?"));
    await eventually("it is dropped", () => engine.counters.udpUnclaimed === 1 || undefined);
  });
});

Deno.test("a shared port that talks to ever more remotes gets an association of its own", async () => {
  await withUdp({}, async ({ engine, host }) => {
    host.sendUdp(5_001, OTHER, 443, new Uint8Array(1));
    for (let i = 1; i <= 12; i++) {
      host.sendUdp(5_000, `203.0.113.${100 + i}`, 443, new Uint8Array([i]));
      await arrived(host, 5_000, i);
    }
    await arrived(host, 5_001, 1);
    assertEquals(engine.udp.associations, 2);
  });
});

Deno.test("with as many associations as may be, ports share; a remote taken by another is refused", async () => {
  const set: Adjust = ({ limits }) => limits.udpAssociations = 2;
  await withUdp({ set }, async ({ engine, host }) => {
    host.sendUdp(5_000, FAR, 443, new Uint8Array(1));
    host.sendUdp(5_001, FAR, 7, new Uint8Array(1));
    await arrived(host, 5_000, 1);
    await arrived(host, 5_001, 1);
    host.sendUdp(5_002, OTHER, 7, new Uint8Array(1));
    await arrived(host, 5_002, 1);
    assertEquals(engine.udp.associations, 2);
    host.sendUdp(5_003, FAR, 443, new Uint8Array(1));
    const [error] = await eventually(
      "it is refused",
      () => host.errors.length > 0 ? host.errors : undefined,
    );
    assertEquals([error!.error, error!.sourcePort], ["prohibited", 5_003]);
    assertEquals(engine.counters.udpNoAssociation, 1);
  });
});

Deno.test("an association ends with its control connection, and is made anew", async () => {
  await withUdp({}, async ({ engine, host, logged }, { controls, relays }) => {
    host.sendUdp(5_000, FAR, 7, new Uint8Array([1]));
    await arrived(host, 5_000, 1);
    controls[1]!.close();
    await eventually("it is lost", () => engine.counters.associationsLost === 1 || undefined);
    assertEquals(engine.udp.associations, 0);
    await logged("a UDP association has ended");
    host.sendUdp(5_000, FAR, 7, new Uint8Array([2]));
    await arrived(host, 5_000, 2);
    assertEquals([engine.udp.mappings, relays.length], [1, 3]);
  });
});

Deno.test("a relay where nobody listens any more is the end of its association", async () => {
  await withUdp({}, async ({ engine, host }, { relays }) => {
    host.sendUdp(5_000, FAR, 7, new Uint8Array([1]));
    await arrived(host, 5_000, 1);
    await relays[1]!.close();
    host.sendUdp(5_000, FAR, 7, new Uint8Array([2]));
    await eventually("it is lost", () => engine.counters.associationsLost === 1 || undefined);
    host.sendUdp(5_000, FAR, 7, new Uint8Array([3]));
    await arrived(host, 5_000, 2);
    assertEquals([...host.received(5_000)[1]!.payload], [3]);
  });
});

Deno.test("datagrams wait for their association, so many and no more", async () => {
  const set: Adjust = ({ limits }) => limits.waitingPackets = 4;
  await withUdp({ set }, async ({ engine, host }, udp) => {
    let goOn: () => void = () => {};
    const mayAnswer = new Promise<void>((resolve) => goOn = resolve);
    const answer = udp.answer;
    udp.answer = async (client, relay) => {
      await client.until(mayAnswer);
      await answer(client, relay);
    };
    for (let i = 0; i < 10; i++) host.sendUdp(5_000, FAR, 7, new Uint8Array(1_000 * i + 1).fill(i));
    await eventually("the rest is dropped", () => {
      return engine.counters.udpWaitingDropped === 6 || undefined;
    });
    goOn();
    await arrived(host, 5_000, 4);
    assertEquals(host.received(5_000).map(({ payload }) => payload[0]), [0, 1, 2, 3]);
  });
});

Deno.test("an association that nobody needs any more is closed although it is being made", async () => {
  const set: Adjust = ({ timeouts }) => {
    timeouts.udpExchange = 1_000;
    timeouts.udpIdle = 1_000;
  };
  await withUdp({ set }, async ({ engine, host }, udp) => {
    udp.answer = () => Promise.resolve();
    host.sendUdp(5_000, FAR, 7, new Uint8Array(1));
    await eventually("the mapping expires", () => engine.counters.udpExpired === 1 || undefined);
    assertEquals(engine.udp.associations, 0);
    assert(await eventually("its control ends", () => udp.controls[1]?.how));
  });
});

Deno.test("mappings expire; their associations close", async () => {
  const set: Adjust = ({ timeouts }) => {
    timeouts.udpExchange = 200;
    timeouts.udpIdle = 200;
  };
  await withUdp({ set }, async ({ engine, host }, { controls }) => {
    for (let i = 0; i < 5; i++) host.sendUdp(5_000 + i, FAR, 7, new Uint8Array(1));
    await eventually("all expire", () => engine.counters.udpExpired === 5 || undefined);
    assertEquals([engine.udp.mappings, engine.udp.associations], [0, 0]);
    await eventually("the proxy hears of it", () => controls.every(({ how }) => how) || undefined);
  });
});

Deno.test("beyond the bound on mappings the one used least recently goes", async () => {
  const set: Adjust = ({ limits }) => limits.udpMappings = 3;
  await withUdp({ set }, async ({ engine, host }, { relays }) => {
    for (const port of [5_000, 5_001, 5_002]) {
      host.sendUdp(port, FAR, 7, new Uint8Array(1));
      await arrived(host, port, 1);
    }
    host.sendUdp(5_000, FAR, 7, new Uint8Array(1));
    await arrived(host, 5_000, 2);
    host.sendUdp(5_003, FAR, 7, new Uint8Array(1));
    await arrived(host, 5_003, 1);
    assertEquals([engine.udp.mappings, engine.counters.udpEvicted], [3, 1]);
    // The second one's association is closed; the first one's is still there.
    await relays[1]!.send(relayed(FAR, 9, "still here"));
    await arrived(host, 5_000, 3);
    assertEquals(engine.udp.associations, 3);
  });
});

Deno.test("multicast is dropped, this host's own addresses are refused", async () => {
  await withUdp({}, async ({ engine, host }) => {
    for (const address of ["224.0.0.251", "255.255.255.255", "ff02::fb"]) {
      host.sendUdp(5_353, address, 5_353, new Uint8Array(1));
    }
    host.sendUdp(5_001, "169.254.1.1", 7, new Uint8Array(1));
    host.sendUdp(5_002, "fe80::1", 7, new Uint8Array(1));
    await eventually("two are refused", () => host.errors.length === 2 || undefined);
    assertEquals(host.errors.map(({ error }) => error), ["port-unreachable", "port-unreachable"]);
    assertEquals([engine.counters.dropAddress, engine.udp.mappings], [3, 0]);
  });
});

Deno.test("100 ports at once, many datagrams each: to each its own", async () => {
  await withUdp({}, async ({ host }) => {
    for (let round = 1; round <= 5; round++) {
      for (let i = 0; i < 100; i++) host.sendUdp(5_000 + i, FAR, 7, new Uint8Array([i, round]));
      for (let i = 0; i < 100; i++) await arrived(host, 5_000 + i, round);
    }
    for (let i = 0; i < 100; i++) {
      const seen = host.received(5_000 + i).map(({ payload }) => [...payload]);
      assertEquals(seen, [1, 2, 3, 4, 5].map((round) => [i, round]));
    }
  });
});

Deno.test("the device fails with associations open: closed in order all the same", async () => {
  await withUdp({}, async ({ engine, host, device }) => {
    host.sendUdp(5_000, FAR, 7, new Uint8Array(1));
    await arrived(host, 5_000, 1);
    device.fail();
    host.sendUdp(5_000, FAR, 7, new Uint8Array(1));
    await engine.failed;
    await engine.close();
    assertEquals(engine.udp.associations, 0);
  });
});
