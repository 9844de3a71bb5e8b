import { assertEquals } from "@std/assert";
import { startDnsServer } from "../../../src/demo/dns_server.ts";
import { GREETING } from "../../../src/demo/http_server.ts";
import { patternOf } from "../../../src/demo/pattern.ts";
import { type DemoServers, startDemoServers } from "../../../src/demo/servers.ts";

const ZONE = new Map([["demo.test", [new Uint8Array([192, 0, 2, 1])]]]);
const QUERY = new Uint8Array([
  ...[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  ...[4, 0x64, 0x65, 0x6d, 0x6f, 4, 0x74, 0x65, 0x73, 0x74, 0, 0, 1, 0, 1],
]);

async function withServers(
  hostname: string,
  body: (servers: DemoServers) => Promise<void>,
): Promise<void> {
  const servers = startDemoServers(hostname, ZONE);
  try {
    await body(servers);
  } finally {
    await servers.close();
  }
}

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`HTTP on ${hostname}: text, bytes, sink, verify, not found`, async () => {
    await withServers(hostname, async ({ http }) => {
      const host = hostname.includes(":") ? `[${hostname}]` : hostname;
      // Own client, so that no connection is kept alive behind the test's back.
      using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      const request = async (path: string, body?: Uint8Array<ArrayBuffer>) => {
        const init = body === undefined ? { client } : { client, method: "POST", body };
        const response = await fetch(`http://${host}:${http.port}${path}`, init);
        return [response.status, await response.bytes()] as const;
      };
      const json = async (path: string, body: Uint8Array<ArrayBuffer>) =>
        JSON.parse(new TextDecoder().decode((await request(path, body))[1]));
      assertEquals(await request("/"), [200, new TextEncoder().encode(GREETING)]);
      for (const length of [0, 1, 600_000]) {
        assertEquals(await request(`/bytes/${length}`), [200, patternOf(length)]);
      }
      const body = patternOf(300_000);
      assertEquals(await json("/sink", body), { bytes: 300_000 });
      assertEquals(await json("/verify", body), { bytes: 300_000, intact: true });
      body[299_999] = 255;
      assertEquals(await json("/verify", body), { bytes: 300_000, intact: false });
      assertEquals((await request("/nothing"))[0], 404);
    });
  });
}

Deno.test("UDP echo: every size comes back", async () => {
  await withServers("127.0.0.1", async ({ echo }) => {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    for (const size of [0, 1, 1400, 65_507]) {
      const sent = patternOf(size);
      await socket.send(sent, { transport: "udp", hostname: "127.0.0.1", port: echo.port });
      assertEquals((await socket.receive(new Uint8Array(65_535)))[0], sent);
    }
    socket.close();
  });
});

Deno.test("DNS over UDP and TCP on one port; connections end with the server", async () => {
  const dns = startDnsServer("127.0.0.1", ZONE);
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  await socket.send(QUERY, { transport: "udp", hostname: "127.0.0.1", port: dns.port });
  const [answer] = await socket.receive();
  assertEquals([...answer.subarray(-4)], [192, 0, 2, 1]);
  socket.close();

  const connection = await Deno.connect({ hostname: "127.0.0.1", port: dns.port });
  for (let i = 0; i < 2; i++) {
    await connection.write(new Uint8Array([0, QUERY.length, ...QUERY]));
    const framed = new Uint8Array(2 + answer.length);
    for (let at = 0; at < framed.length;) {
      at += await connection.read(framed.subarray(at)) ?? framed.length;
    }
    assertEquals(framed, new Uint8Array([0, answer.length, ...answer]));
  }
  await dns.close();
  assertEquals(await connection.read(new Uint8Array(1)), null);
  connection.close();
});
