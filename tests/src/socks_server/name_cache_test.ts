import { assertEquals } from "@std/assert";
import { NameCache } from "../../../src/socks_server/name_cache.ts";

const ADDRESS = new Uint8Array([192, 0, 2, 1]);

Deno.test("an answer is kept for half a minute, and shared while it is awaited", async () => {
  let now = 0;
  let lookups = 0;
  const cache = new NameCache(() => now, () => {
    lookups++;
    return Promise.resolve([ADDRESS]);
  });
  assertEquals(cache.known("a.test"), undefined);
  const both = await Promise.all([cache.resolve("a.test"), cache.resolve("a.test")]);
  assertEquals([both, lookups], [[[ADDRESS], [ADDRESS]], 1]);
  now = 29_999;
  assertEquals(cache.known("a.test"), [ADDRESS]);
  now = 30_000;
  assertEquals(cache.known("a.test"), undefined);
  await cache.resolve("a.test");
  assertEquals(lookups, 2);
});

Deno.test("a name that is not found has no addresses", async () => {
  const cache = new NameCache(() => 0, () => Promise.reject(new Error("not found")));
  assertEquals(await cache.resolve("a.test"), []);
  assertEquals(cache.known("a.test"), []);
});

Deno.test("at its bound the oldest goes", async () => {
  const cache = new NameCache(() => 0, () => Promise.resolve([ADDRESS]));
  for (let i = 0; i <= 1024; i++) await cache.resolve(`${i}.test`);
  assertEquals(cache.known("0.test"), undefined);
  assertEquals(cache.known("1.test"), [ADDRESS]);
});
