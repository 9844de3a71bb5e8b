import { assertEquals, assertRejects } from "@std/assert";
import { DatagramSocket } from "../../ffi/datagram_linux.ts";
import { SysError } from "../../ffi/libc.ts";
import { SockDiag } from "../../ffi/sock_diag_linux.ts";
import { formatAddress } from "../../src/addr/address.ts";
import { ClosedPort } from "../support/closed_port.ts";
import { inNetNamespace, runHere } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);
const MARK = 0x7a74;

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

Deno.test("a wait that is interrupted ends", async () => {
  const server = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const socket = DatagramSocket.udp(LOOPBACK, (server.addr as Deno.NetAddr).port);
  const asked = socket.ask(new Uint8Array(1), 600_000);
  await server.receive();
  socket.interrupt();
  assertEquals(await asked, undefined);
  socket.close();
  server.close();
});

rootTest("a mark decides by which address a socket sends", () =>
  inNetNamespace(() => {
    runHere("ip", "link", "set", "lo", "up");
    for (const [address, table] of [["192.0.2.7", "main"], ["192.0.2.8", "77"]] as const) {
      runHere("ip", "address", "add", `${address}/32`, "dev", "lo");
      const route = ["198.51.100.0/24", "dev", "lo", "src", address, "table", table];
      runHere("ip", "route", "add", ...route);
    }
    runHere("ip", "rule", "add", "fwmark", String(MARK), "lookup", "77", "priority", "100");
    const there = new Uint8Array([198, 51, 100, 1]);
    const sockets = [0, MARK].map((mark) => DatagramSocket.udp(there, 9, mark));
    const diag = new SockDiag();
    const found = diag.sockets("udp").map((
      { local, mark },
    ) => [formatAddress(local.address), mark]);
    assertEquals(found.sort(), [["192.0.2.7", 0], ["192.0.2.8", MARK]]);
    [diag, ...sockets].forEach((each) => each.close());
  }));
