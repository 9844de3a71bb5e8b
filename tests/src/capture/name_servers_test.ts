import { assertEquals } from "@std/assert";
import { nameServers } from "../../../src/capture/name_servers.ts";

const BOTH = new Set([4, 6] as const);

Deno.test("name servers: those that were asked for, as far as programs read them", () => {
  const asked = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
  assertEquals(nameServers(asked, ["9.9.9.9"], BOTH, []), asked.slice(0, 3));
  assertEquals(nameServers(["192.168.0.1"], [], BOTH, []), ["192.168.0.1"]);
});

Deno.test("name servers: the host's own, when they are the same everywhere", () => {
  const hosts = ["192.168.1.1", "9.9.9.9", "fd00::1", "fe80::1", "100.100.0.1", "2620:fe::fe"];
  assertEquals(nameServers([], hosts, BOTH, []), ["9.9.9.9", "2620:fe::fe"]);
  assertEquals(nameServers([], hosts, new Set([4] as const), []), ["9.9.9.9"]);
});

Deno.test("name servers: public ones where the host only asks its own network", () => {
  assertEquals(nameServers([], ["192.168.1.1"], BOTH, []), ["1.1.1.1", "2606:4700:4700::1111"]);
  assertEquals(nameServers([], [], new Set([4] as const), []), ["1.1.1.1"]);
});

Deno.test("name servers: none that would be asked outside", () => {
  assertEquals(nameServers([], ["9.9.9.9", "8.8.8.8"], BOTH, ["9.0.0.0/8"]), ["8.8.8.8"]);
});
