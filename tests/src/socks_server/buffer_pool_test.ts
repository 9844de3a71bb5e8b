import { assertEquals } from "@std/assert";
import { BufferPool } from "../../../src/socks_server/buffer_pool.ts";

Deno.test("full reads grow the buffer step by step, nearly empty ones shrink it", () => {
  const pool = new BufferPool(1 << 20);
  let buffer = pool.first();
  const lengths = [buffer.length];
  for (let i = 0; i < 4; i++) {
    buffer = pool.next(buffer, buffer.length);
    lengths.push(buffer.length);
  }
  assertEquals(lengths, [2048, 16_384, 65_536, 262_144, 262_144]);
  assertEquals(pool.lent, 262_144);
  buffer = pool.next(buffer, 40_000);
  assertEquals(buffer.length, 262_144);
  for (const length of [65_536, 16_384, 2048, 2048]) {
    buffer = pool.next(buffer, 10);
    assertEquals(buffer.length, length);
  }
  assertEquals(pool.lent, 0);
});

Deno.test("the budget bounds the big buffers; what is given back is used again", () => {
  const pool = new BufferPool(65_536 * 2);
  const grown = () => {
    const medium = pool.next(pool.first(), 2048);
    return pool.next(medium, medium.length);
  };
  const [a, b, c] = [grown(), grown(), grown()];
  assertEquals([a.length, b.length, c.length], [65_536, 65_536, 16_384]);
  assertEquals(pool.next(a, a.length), a);
  pool.release(b);
  assertEquals(grown(), b);
  pool.release(a);
  pool.release(b);
  pool.trim();
  assertEquals(pool.lent, 0);
  // Two free buffers of 64 KiB make way for none of 256 KiB: that is beyond the budget by itself.
  const again = grown();
  assertEquals(pool.next(again, again.length), again);
});
