import { assert, assertEquals, assertThrows } from "@std/assert";
import { closeFd, socketPair } from "../../ffi/fd_passing_linux.ts";
import { Errno, libc, SysError } from "../../ffi/libc.ts";
import { NetlinkRouteSocket } from "../../ffi/netlink_linux.ts";
import { adoptTun, openTun, openTunQueues } from "../../ffi/tun_linux.ts";
import { UserError } from "../../src/errors.ts";
import { inNetNamespace, runHere, waitUntilGone } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";

const O_RDWR = 2;
const TUNSETIFF = 0x400454ca;

/** A descriptor of /dev/net/tun with a device of these flags, as another program would hand it over. */
function openForeign(name: string, flags: number): number {
  const path = new Uint8Array(128);
  new TextEncoder().encodeInto("/dev/net/tun", path);
  const fd = libc().open(path, O_RDWR);
  const request = new Uint8Array(128);
  new TextEncoder().encodeInto(name, request);
  request[16] = flags & 255;
  request[17] = flags >> 8;
  assertEquals(libc().ioctl(fd, TUNSETIFF, request), 0);
  return fd;
}

rootTest("a TUN device exists as long as it is open", () =>
  inNetNamespace(() => {
    const device = openTun({ name: "", offload: "auto" });
    assertEquals(device.name, "ztun0");
    assertEquals(device.vnet, true);
    assert(device.offload.checksum && device.offload.tso4 && device.offload.tso6);
    assertEquals(device.offload.uso4, device.offload.uso6);
    assert(runHere("ip", "-d", "link", "show", "ztun0").includes("vnet_hdr on persist off"));
    device.close();
    device.close();
    waitUntilGone("ztun0");
  }));

rootTest(
  "a device with several queues is made at once, and lives as long as any of them",
  () =>
    inNetNamespace(() => {
      const queues = openTunQueues({ name: "", offload: "auto" }, 4);
      assertEquals(queues.map(({ name }) => name), Array(4).fill("ztun0"));
      for (const { vnet, offload } of queues) {
        assertEquals([vnet, offload], [true, queues[0]!.offload]);
      }
      const shown = runHere("ip", "-d", "link", "show", "ztun0");
      assert(shown.includes("multi_queue numqueues 4"), shown);
      queues.slice(1).forEach((queue) => queue.close());
      assert(runHere("ip", "link").includes("ztun0"));
      queues[0]!.close();
      waitUntilGone("ztun0");
    }),
);

rootTest("where one queue more cannot be had, there is none", () =>
  inNetNamespace(() => {
    // The kernel has 256 at most.
    assertThrows(() => openTunQueues({ name: "", offload: "auto" }, 257), SysError);
    waitUntilGone("ztun0");
  }));

rootTest("without offload there is no header and nothing is promised", () =>
  inNetNamespace(() => {
    const device = openTun({ name: "plain", offload: "off" });
    assertEquals(device.name, "plain");
    assertEquals(device.vnet, false);
    assertEquals(Object.values(device.offload), [false, false, false, false, false]);
    device.close();
  }));

rootTest("a read on an open device never blocks", () =>
  inNetNamespace(() => {
    const device = openTun({ name: "", offload: "auto" });
    const result = libc().read(device.fd, new Uint8Array(128), 128n);
    assertEquals(Number(result), -1);
    device.close();
  }));

rootTest("a name in use is told apart", () =>
  inNetNamespace(() => {
    const device = openTun({ name: "twice", offload: "auto" });
    const error = assertThrows(() => openTun({ name: "twice", offload: "auto" }), SysError);
    assertEquals(error.code, Errno.EBUSY);
    const long = assertThrows(
      () => openTun({ name: "a-name-too-long-for-linux", offload: "off" }),
      SysError,
    );
    assertEquals(long.code, Errno.EINVAL);
    device.close();
  }));

rootTest("a foreign descriptor is adopted with what it has", () =>
  inNetNamespace(() => {
    const plain = adoptTun(openForeign("plain", 0x1001));
    assertEquals([plain.name, plain.vnet, plain.offload.tso4], ["plain", false, false]);
    assertEquals(Number(libc().read(plain.fd, new Uint8Array(128), 128n)), -1);
    const vnet = adoptTun(openForeign("vnet", 0x5001));
    assertEquals([vnet.name, vnet.vnet, vnet.offload.tso4], ["vnet", true, true]);
    plain.close();
    vnet.close();
  }));

rootTest("a TAP device is refused with a reason", () =>
  inNetNamespace(() => {
    const tap = openForeign("tap", 0x1002);
    assertThrows(() => adoptTun(tap), UserError, "TAP device");
    closeFd(tap);
  }));

rootTest("packet information is seen on the link", () =>
  inNetNamespace(() => {
    const fds = [openForeign("information", 0x0001), openForeign("bare", 0x1001)];
    const routes = new NetlinkRouteSocket();
    assertEquals(routes.findLink("information")?.packetInformation, true);
    assertEquals(routes.findLink("bare")?.packetInformation, false);
    routes.close();
    fds.forEach(closeFd);
  }));

Deno.test("what is not a TUN is refused", () => {
  const [one, other] = socketPair();
  assertThrows(() => adoptTun(one), UserError, "not an open TUN device");
  closeFd(one);
  closeFd(other);
  // Far above every limit: never open.
  assertThrows(() => adoptTun(0x7000_0000), UserError, "not an open TUN device");
});
