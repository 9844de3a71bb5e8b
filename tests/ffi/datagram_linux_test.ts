import { assertEquals, assertRejects } from "@std/assert";
import { DatagramSocket } from "../../ffi/datagram_linux.ts";
import { SysError } from "../../ffi/libc.ts";
import { ClosedPort } from "../support/closed_port.ts";

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);

Deno.test("a datagram is answered, and silence has an end", async () => {
  const server = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr as Deno.NetAddr;
  const socket = DatagramSocket.udp(LOOPBACK, port);
  for (const size of [0, 1, 40_000]) {
    const sent = new Uint8Array(size).fill(size);
    const [came] = await Promise.all([
      socket.ask(sent, 10_000),
      server.receive(new Uint8Array(65_535)).then(([bytes, from]) => server.send(bytes, from)),
    ]);
    assertEquals(came, sent);
  }
  assertEquals(await socket.ask(new Uint8Array(1), 1), undefined);
  server.close();
  socket.close();
});

Deno.test("a port that nobody listens on is an error", async () => {
  using closed = new ClosedPort("udp");
  const socket = DatagramSocket.udp(LOOPBACK, closed.port);
  await assertRejects(() => socket.ask(new Uint8Array(9), 10_000), SysError, "ECONNREFUSED");
  socket.close();
});
