import { assertEquals } from "@std/assert";
import { openTun } from "../../../ffi/tun_linux.ts";
import { dropsIn, queueDrops } from "../../../src/tunnel/queue_drops.ts";
import { inNetNamespace, runHere } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";
import { UdpRig } from "../../support/udp_rig.ts";

const DEVICES = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo
    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
 ztun0:12345678      2    3    4    5     6          7         8        9      10   11   99   13
 ztun01: 0 0 0 0 0 0 0 0 0 0 0 77 0 0 0 0
`;

Deno.test("the figure is found in its column, for the device of that very name", () => {
  const drops = ["lo", "ztun0", "ztun01", "ztun", "Inter-|"].map((name) => dropsIn(DEVICES, name));
  assertEquals(drops, [12, 99, 77, 0, 0]);
  assertEquals(dropsIn("", "lo"), 0);
  assertEquals(queueDrops("no-such-device"), 0);
});

rootTest("what a full device drops is seen", () =>
  inNetNamespace(() => {
    const device = openTun({ name: "ztun0", offload: "auto" });
    runHere("ip", "link", "set", "ztun0", "txqueuelen", "10", "up");
    runHere("ip", "address", "add", "192.0.2.1/24", "dev", "ztun0");
    using rig = new UdpRig();
    const socket = rig.connected(new Uint8Array([192, 0, 2, 9]), 9);
    const before = queueDrops("ztun0");
    for (let i = 0; i < 50; i++) rig.send(socket, [[i]]);
    assertEquals(queueDrops("ztun0") - before >= 40, true);
    device.close();
  }));
