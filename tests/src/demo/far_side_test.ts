import { assert, assertEquals, assertRejects } from "@std/assert";
import { startFarSide } from "../../../src/demo/far_side.ts";
import { httpGet } from "../../../src/demo/http_client.ts";
import { type Pair, Port, WEB } from "../../../src/demo/plan.ts";
import { refusing } from "../../support/closed_port.ts";

function realOf(pairs: readonly Pair[], host: string, port: number): Pair["real"] {
  const pair = pairs.find(({ shown }) => shown.host === host && shown.port === port);
  return pair!.real;
}

Deno.test("every destination has a place of its own; the closed port is closed", async () => {
  const { pairs, close } = await startFarSide();
  const places = pairs.map(({ real }) => `${real.host} ${real.port}`);
  // UDP and TCP servers may have got the same number: five of each family, at least four numbers.
  assert(new Set(places).size >= 8, places.join());
  assertEquals(pairs.length, 10);
  const http = realOf(pairs, WEB[4], Port.Http);
  assertEquals((await httpGet(http.host, http.port, "/bytes/3")).body, new Uint8Array([0, 1, 2]));
  const closed = realOf(pairs, WEB[4], Port.Closed);
  await assertRejects(
    () => Deno.connect({ hostname: closed.host, port: closed.port }),
    Deno.errors.ConnectionRefused,
  );
  await close();
  await refusing(http.port);
});

Deno.test("without an IPv6 loopback, IPv4 stands in, on other ports", async () => {
  // An address that no machine has for its own.
  const { pairs, standIn, close } = await startFarSide("2001:db8::1");
  assertEquals(standIn, true);
  assert(pairs.every(({ real }) => real.host === "127.0.0.1"));
  const [four, six] = [WEB[4], WEB[6]].map((host) => realOf(pairs, host, Port.Http).port);
  assert(four !== six);
  await close();
});
