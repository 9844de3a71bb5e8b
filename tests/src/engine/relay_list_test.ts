/** The list of live relays: each is found where it says, whatever came and went before. */

import { assertEquals } from "@std/assert";
import { RelayList } from "../../../src/engine/relay_list.ts";
import type { TcpRelay } from "../../../src/engine/tcp_relay.ts";

/** All of a relay that the list uses. */
function relay(): TcpRelay {
  return { place: -1 } as TcpRelay;
}

Deno.test("relay list: the last one fills the gap", () => {
  const list = new RelayList();
  const [a, b, c] = [relay(), relay(), relay()];
  for (const one of [a, b, c]) list.add(one);
  list.remove(a);
  assertEquals(list.all, [c, b]);
  list.remove(c);
  assertEquals(list.all, [b]);
  list.remove(b);
  assertEquals(list.size, 0);
});

Deno.test("relay list: those that are looked at may end meanwhile", () => {
  const list = new RelayList();
  for (let i = 0; i < 5; i++) list.add(relay());
  let seen = 0;
  for (const one of list.all) {
    list.remove(one);
    seen++;
  }
  assertEquals([seen, list.size], [5, 0]);
});
