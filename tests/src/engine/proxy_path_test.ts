import { assertEquals } from "@std/assert";
import { PathChange, type ProxyPath } from "../../../src/engine/proxy_path.ts";

function path(addresses: readonly string[], local?: readonly string[]): ProxyPath {
  return { addresses, online: true, local };
}

function moves(before: ProxyPath, after: ProxyPath): { proxy: boolean; host: boolean } {
  const { proxyMoved, hostMoved, moved } = new PathChange(before, after);
  assertEquals(moved, proxyMoved || hostMoved);
  return { proxy: proxyMoved, host: hostMoved };
}

Deno.test("the proxy moves when one of its addresses goes, not when another comes", () => {
  const cases: [string[], string[], boolean][] = [
    [["192.0.2.1"], ["192.0.2.1"], false],
    [["192.0.2.1"], ["192.0.2.2", "192.0.2.1"], false],
    [["192.0.2.1", "192.0.2.2"], ["192.0.2.2"], true],
    [["2001:db8::1"], ["2001:DB8:0::1"], false],
    [["192.0.2.1"], [], true],
    // Nobody knows where that was.
    [["proxy.lab"], ["192.0.2.1"], true],
  ];
  for (const [before, after, proxy] of cases) {
    assertEquals(moves(path(before), path(after)), { proxy, host: false }, `${before} ${after}`);
  }
});

Deno.test("this host moves when one of its addresses goes, as far as they were told", () => {
  const proxy = ["192.0.2.1"];
  const told = path(proxy, ["198.51.100.1", "2001:db8::2"]);
  assertEquals(moves(told, path(proxy, ["198.51.100.1"])).host, true);
  assertEquals(moves(told, path(proxy, ["2001:db8:0::2", "198.51.100.1", "10.0.0.1"])).host, false);
  assertEquals(moves(told, path(proxy)).host, false);
  assertEquals(moves(path(proxy), told).host, false);
  assertEquals(moves(path(proxy, ["127.0.0.1"]), path(proxy, [])).host, false);
});

Deno.test("what begins at an address that is gone is cut off; loopback never goes", () => {
  const change = new PathChange(path([]), path([], ["198.51.100.1", "2001:db8::2"]));
  const cut = ["198.51.100.2", "2001:db8::3", "0.0.0.0", ""];
  const kept = ["198.51.100.1", "2001:db8:0::2", "127.0.0.1", "127.9.9.9", "::1"];
  assertEquals(cut.filter((address) => change.cutsOff(address)), cut);
  assertEquals(kept.filter((address) => change.cutsOff(address)), []);
  const untold = new PathChange(path([]), path([]));
  assertEquals([...cut, ...kept].filter((address) => untold.cutsOff(address)), []);
});

Deno.test("what leads to an address that the proxy has left leads nowhere", () => {
  const change = new PathChange(path([]), path(["192.0.2.1", "2001:db8::1"]));
  assertEquals(["192.0.2.1", "2001:db8:0::1"].map((address) => change.leaves(address)), [
    false,
    false,
  ]);
  assertEquals(["192.0.2.2", ""].map((address) => change.leaves(address)), [true, true]);
});
