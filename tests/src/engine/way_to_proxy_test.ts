/** Dialling while the proxy, this host or the way between them comes and goes. Time is the test's. */

import { assertEquals } from "@std/assert";
import { DialRig } from "../../support/dial_rig.ts";
import type { ProxyPath } from "../../../src/engine/proxy_path.ts";

const HERE = "198.51.100.1";
const online: ProxyPath = { addresses: ["192.0.2.1"], online: true, local: [HERE] };
const offline: ProxyPath = { ...online, online: false };
const elsewhere: ProxyPath = { ...online, addresses: ["192.0.2.9", "2001:db8::9"] };
const otherwise: ProxyPath = { ...online, local: ["198.51.100.2"] };

Deno.test("who dials while there is no way waits, and goes on when there is one", () => {
  const rig = new DialRig(offline);
  rig.dial();
  rig.dial();
  rig.until(2_999);
  assertEquals([rig.attempts.length, rig.failures.length], [0, 0]);
  rig.follow({ ...elsewhere, online: false });
  assertEquals(rig.attempts.length, 0);
  rig.follow(elsewhere);
  assertEquals(rig.attempts.map(({ hosts }) => hosts), [elsewhere.addresses, elsewhere.addresses]);
  rig.until(3_500);
  assertEquals([rig.failures.length, rig.counters.proxyConnects], [0, 2]);
});

Deno.test("after 3 s without a way the network is unreachable", () => {
  const rig = new DialRig(offline);
  rig.dial();
  rig.until(2_999);
  assertEquals(rig.outcomes, []);
  rig.until(3_000);
  assertEquals(rig.outcomes, ["network-unreachable"]);
  assertEquals([rig.tellings, rig.counters.proxyConnectTimeout], [[3_000], 0]);
  rig.follow(online);
  assertEquals(rig.attempts.length, 0);
});

Deno.test("a connection that was under way waits only when the system knows no way", () => {
  const rig = new DialRig(online);
  const dials = [rig.dial(), rig.dial()];
  rig.follow(offline, ...dials);
  rig.until(1_000);
  const [first, second] = rig.attempts;
  first!.asker.broken("refused");
  assertEquals(rig.outcomes, ["network-unreachable"]);
  second!.asker.broken("ENETUNREACH", true);
  assertEquals(rig.failures.length, 1);
  rig.until(3_999);
  assertEquals(rig.failures.length, 1);
  rig.follow(online);
  assertEquals([rig.attempts.length, rig.failures.length], [3, 1]);
  assertEquals(rig.counters.proxyConnectFailed, 2);
});

Deno.test("as long as there should be a way, none is an error at once", () => {
  const rig = new DialRig(online);
  rig.dial();
  rig.last.asker.broken("ENETUNREACH", true);
  assertEquals(rig.outcomes, ["network-unreachable"]);
});

Deno.test("a way that comes and goes does not make anybody wait for longer in all", () => {
  const rig = new DialRig(offline);
  const dial = rig.dial();
  rig.until(2_000);
  rig.follow(online, dial);
  rig.follow(offline, dial);
  rig.last.asker.broken("ENETUNREACH", true);
  rig.until(2_999);
  assertEquals(rig.outcomes, []);
  rig.until(3_000);
  assertEquals(rig.outcomes, ["network-unreachable"]);
});

Deno.test("who gives up while waiting is forgotten", () => {
  const rig = new DialRig(offline);
  rig.dial().cancel();
  rig.follow(online);
  rig.until(10_000);
  assertEquals([rig.attempts.length, rig.failures.length], [0, 0]);
});

for (const [name, path] of Object.entries({ "the proxy": elsewhere, "this host": otherwise })) {
  Deno.test(`${name} moves while a connection is being made: it is begun again`, () => {
    const rig = new DialRig(online);
    const dial = rig.dial();
    rig.until(5_000);
    rig.follow(path, dial);
    const [before, after] = rig.attempts;
    assertEquals([before!.told, after!.told], [["closed"], []]);
    assertEquals(after!.hosts, path.addresses);
    // It has all the time that a connection may take.
    const { connectTimeout } = rig.dialer;
    rig.until(5_000 + connectTimeout - 1);
    assertEquals(rig.outcomes, []);
    rig.until(5_000 + connectTimeout);
    assertEquals(rig.outcomes, ["network-unreachable"]);
  });
}

Deno.test("nothing moves: what is under way stays as it is", () => {
  const rig = new DialRig(online);
  const dial = rig.dial();
  rig.follow({ ...online, addresses: ["192.0.2.2", "192.0.2.1"], local: [HERE, "::2"] }, dial);
  assertEquals([rig.attempts.length, rig.last.told], [1, []]);
});

Deno.test("a handshake goes on at an address that the proxy has left, as any connection", () => {
  const rig = new DialRig(online);
  const dial = rig.dial();
  rig.last.asker.connected(rig.last);
  rig.follow(elsewhere, dial);
  assertEquals([rig.attempts.length, rig.last.told], [1, []]);
  dial.cancel();
});

Deno.test("a handshake that has lost its own address is begun again", () => {
  const rig = new DialRig(online);
  const dial = rig.dial();
  const [first] = rig.attempts;
  first!.asker.connected(first!);
  rig.follow({ ...otherwise, online: false }, dial);
  assertEquals([first!.told, rig.attempts.length], [["reset", "closed"], 1]);
  rig.follow(otherwise, dial);
  assertEquals(rig.attempts.length, 2);
  dial.cancel();
  assertEquals([rig.last.told, rig.failures.length], [["closed"], 0]);
});

Deno.test("a proxy that has left an address may be another: what was known is forgotten", () => {
  const rig = new DialRig(online);
  const { capability } = rig.dialer;
  capability.udpTested(true);
  rig.follow(otherwise);
  assertEquals(capability.udp, "relays");
  rig.follow(elsewhere);
  assertEquals(capability.udp, "unknown");
});

Deno.test("that the proxy cannot be reached is told at once, and then every 100 ms", () => {
  const rig = new DialRig(online);
  for (const now of [0, 1, 50, 99, 100, 130, 250, 349, 350]) {
    rig.until(now);
    rig.dial();
    rig.last.asker.broken("refused");
  }
  assertEquals(rig.tellings, [0, 100, 250, 350]);
});
