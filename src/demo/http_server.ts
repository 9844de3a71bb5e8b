/**
 * The demo's HTTP server:
 *
 *     GET  /          a line of text
 *     GET  /bytes/N   N bytes of the pattern
 *     POST /sink      swallows the body; answers {"bytes":N}
 *     POST /verify    the same, and compares with the pattern: {"bytes":N,"intact":true}
 */

import { PATTERN_CHUNK, PatternCheck } from "./pattern.ts";
import type { DemoServer } from "./demo_server.ts";

export const GREETING = "ztun demo: this page came through the tunnel\n";

export function startHttpServer(hostname: string): DemoServer {
  // `onListen` keeps Deno from printing a line of its own.
  const server = Deno.serve({ hostname, port: 0, onListen: () => {} }, handle);
  const { port } = server.addr;
  return { hostname, port, close: () => server.shutdown() };
}

function handle(request: Request): Response | Promise<Response> {
  const { pathname } = new URL(request.url);
  const route = `${request.method} ${pathname}`;
  if (route === "GET /") return new Response(GREETING);
  if (route === "POST /sink") return sink(request);
  if (route === "POST /verify") return verify(request);
  const count = /^GET \/bytes\/(\d{1,15})$/.exec(route)?.[1];
  return count === undefined ? new Response("not found\n", { status: 404 }) : send(Number(count));
}

function send(count: number): Response {
  let left = count;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const length = Math.min(left, PATTERN_CHUNK.length);
      if (length > 0) controller.enqueue(PATTERN_CHUNK.subarray(0, length));
      left -= length;
      if (left === 0) controller.close();
    },
  });
  return new Response(body, {
    headers: { "content-type": "application/octet-stream", "content-length": String(count) },
  });
}

async function sink(request: Request): Promise<Response> {
  let bytes = 0;
  for await (const piece of request.body ?? []) bytes += piece.length;
  return Response.json({ bytes });
}

async function verify(request: Request): Promise<Response> {
  const check = new PatternCheck();
  for await (const piece of request.body ?? []) check.add(piece);
  return Response.json({ bytes: check.bytes, intact: check.intact });
}
