/** What the engine sends carries its mark, as far as its sockets are its own. */

import { assertEquals } from "@std/assert";
import { SockDiag, type SocketProtocol } from "../../../ffi/sock_diag_linux.ts";
import { type Adjust, type DriverName, withTunnel } from "../../support/fake_tunnel.ts";
import { relaying } from "../../support/fake_udp_relay.ts";
import { uringTest } from "../../support/needs_uring.ts";
import { rootTest } from "../../support/root.ts";
import { eventually } from "../../support/eventually.ts";

const FAR = "203.0.113.7";
const MARK = 0x7a74;
const PATIENCE = 60_000;

/** The marks of this host's sockets with these ports: one of them may belong to others as well. */
function marksOf(protocol: SocketProtocol, localPort: number, remotePort: number): unknown[] {
  const diag = new SockDiag();
  try {
    const sockets = diag.sockets(protocol, { localPort });
    return sockets.filter(({ remote }) => remote.port === remotePort).map(({ mark }) => mark);
  } finally {
    diag.close();
  }
}

/** The marks of a flow's socket and of an association's. */
async function marks(driver: DriverName, mark: number): Promise<Record<SocketProtocol, unknown>> {
  const udp = relaying();
  udp.connect = async (client) => {
    await client.reply(0);
    await client.echo();
  };
  const found: Record<SocketProtocol, unknown> = { tcp: [], udp: [] };
  const set: Adjust = (settings) => settings.udp = "auto";
  const options = { script: udp.script, set, driver, engine: { mark } };
  await withTunnel(options, async ({ host, proxy }) => {
    assertEquals(await host.connect(FAR, 80).opened(), "open");
    found.tcp = marksOf("tcp", proxy.clients.at(-1)!.connection.remoteAddr.port, proxy.port);
    host.sendUdp(5_000, FAR, 7, new Uint8Array([1]));
    await eventually("it comes back", () => host.received(5_000)[0], PATIENCE);
    const relay = udp.relays.at(-1)!;
    found.udp = marksOf("udp", relay.client!.port, relay.port);
  });
  return found;
}

rootTest("datagrams are marked, connections that Deno makes are not", async () => {
  assertEquals(await marks("async", MARK), { tcp: [0], udp: [MARK] });
});

// Both are needed: whoever is missing is named.
const test = Deno.uid() === 0 ? uringTest : rootTest;
test("on io_uring both are marked, or neither", async () => {
  assertEquals(await marks("uring", MARK), { tcp: [MARK], udp: [MARK] });
  assertEquals(await marks("uring", 0), { tcp: [0], udp: [0] });
});
