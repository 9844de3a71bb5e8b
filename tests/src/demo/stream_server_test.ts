import { assertEquals } from "@std/assert";
import type { DemoServer } from "../../../src/demo/demo_server.ts";
import { patternOf } from "../../../src/demo/pattern.ts";
import { startStreamServer } from "../../../src/demo/stream_server.ts";

async function exchange({ port }: DemoServer, sent: Uint8Array): Promise<Uint8Array> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  for (let at = 0; at < sent.length;) at += await connection.write(sent.subarray(at));
  await connection.closeWrite();
  return await new Response(connection.readable).bytes();
}

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("down: so many bytes of the pattern; nothing for what is not understood", async () => {
  const server = startStreamServer("127.0.0.1");
  for (const count of [0, 1, 400_000]) {
    assertEquals(await exchange(server, encode(`down ${count}\n`)), patternOf(count));
  }
  for (const line of ["down -1\n", "sideways\n", "down 1", "x".repeat(64)]) {
    assertEquals((await exchange(server, encode(line))).length, 0);
  }
  await server.close();
});

Deno.test("up: answers after the end, and sees a wrong byte", async () => {
  const server = startStreamServer("127.0.0.1");
  const up = async (body: Uint8Array) => {
    const answer = await exchange(server, new Uint8Array([...encode("up\n"), ...body]));
    return JSON.parse(new TextDecoder().decode(answer));
  };
  assertEquals(await up(patternOf(0)), { bytes: 0, intact: true });
  assertEquals(await up(patternOf(300_000)), { bytes: 300_000, intact: true });
  assertEquals(await up(patternOf(9).fill(7)), { bytes: 9, intact: false });
  await server.close();
});

Deno.test("connections end with the server", async () => {
  const server = startStreamServer("127.0.0.1");
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await connection.write(encode("down 1\n"));
  await connection.read(new Uint8Array(1));
  using waiting = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await waiting.write(encode("up\n"));
  await server.close();
  assertEquals(await waiting.read(new Uint8Array(1)), null);
});
