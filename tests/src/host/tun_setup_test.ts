import { assert, assertEquals, assertThrows } from "@std/assert";
import { libc } from "../../../ffi/libc.ts";
import { openTun } from "../../../ffi/tun_linux.ts";
import { defaultSettings, type TunSettings } from "../../../src/config/settings.ts";
import { Exit, UserError } from "../../../src/errors.ts";
import { makeDevice, setUpDevice } from "../../../src/host/tun_setup.ts";
import { inNetNamespace, runHere, waitUntilGone } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";

const silent = { debug() {}, warn() {} };

function settings(changes: Partial<TunSettings> = {}): TunSettings {
  return { ...defaultSettings().tun, name: "ztun0", ...changes };
}

rootTest(
  "up: device, addresses, MTU and exactly the routes asked for, gone with the device",
  () =>
    inNetNamespace(() => {
      const shown: string[] = [];
      const routes = ["203.0.113.0/24", "2001:db8:1::/48"];
      const log = { ...silent, debug: (line: string) => shown.push(line) };
      const host = makeDevice(settings({ mtu: 1400 }), 1, routes, "host", log);
      assertEquals(host.device.vnet, true);
      const ip = (...args: string[]) => runHere("ip", ...args);
      assert(ip("link", "show", "ztun0").includes("mtu 1400"));
      assert(ip("-o", "link", "show", "ztun0").includes(",UP,LOWER_UP"));
      const listed = ip("route").trim().split("\n").map((line) => line.split(" ")[0]);
      assertEquals(listed.sort(), ["198.18.0.0/30", "203.0.113.0/24"]);
      assert(ip("-6", "route").includes("2001:db8:1::/48 dev ztun0 proto static"));
      assert(!ip("-6", "route").includes("default"));
      assert(ip("-o", "addr").includes("fd7a:7475:6e00::1/126"));
      assert(!ip("-o", "addr").includes("fe80::"));
      assertEquals(shown, host.steps.map((step) => `[#] ${step}`));
      host.close();
      waitUntilGone("ztun0");
      assertEquals(ip("route"), "");
    }),
);

rootTest("up: every queue is open, and all go together", () =>
  inNetNamespace(() => {
    const host = setUpDevice(settings(), 3, silent);
    assertEquals(host.queues.map(({ name, vnet }) => [name, vnet]), Array(3).fill(["ztun0", true]));
    assertEquals(host.steps[0], "ip tuntap add dev ztun0 mode tun vnet_hdr multi_queue");
    assert(runHere("ip", "-d", "link", "show", "ztun0").includes("numqueues 3"));
    host.close();
    waitUntilGone("ztun0");
  }));

rootTest(
  "up: a persistent device serves with as many queues as it is made for",
  () =>
    inNetNamespace(() => {
      const add = ["tuntap", "add", "dev", "ztun0", "mode", "tun", "vnet_hdr"];
      for (const [flags, fitting, other] of [[[], 1, 2], [["multi_queue"], 2, 1]] as const) {
        runHere("ip", ...add, ...flags);
        const error = assertThrows(() => setUpDevice(settings(), other, silent), UserError);
        assert(error.hint?.includes("`multi_queue`"), error.hint);
        const host = setUpDevice(settings(), fitting, silent);
        assertEquals(host.queues.length, fitting);
        host.close();
        runHere("ip", "tuntap", "del", "dev", "ztun0", "mode", "tun", ...flags);
      }
    }),
);

rootTest("up: the steps that are shown do the same by hand", () =>
  inNetNamespace(() => {
    const [changes, routes] = [settings({ offload: "off" }), ["203.0.113.0/24", "::/0"]];
    const state = () => runHere("sh", "-c", "ip -o addr; ip route; ip -6 route");
    const host = makeDevice(changes, 1, routes, "host", silent);
    const made = state();
    host.close();
    runHere("sh", "-ec", host.steps.join("\n"));
    // A persistent device without an owner has no carrier; the rest must be equal.
    const strip = (text: string) =>
      text.replaceAll(/ linkdown|\b[0-9]+(?=: ztun0)| +valid_lft.*|(?<=addr )\d+/g, "");
    assertEquals(strip(state()), strip(made));
    runHere("ip", "tuntap", "del", "dev", "ztun0", "mode", "tun");
  }));

rootTest("up: a step that fails is named, and nothing is left", () =>
  inNetNamespace(() => {
    const twice = ["203.0.113.0/24", "203.0.113.0/24"];
    assertThrows(
      () => makeDevice(settings(), 1, twice, "host", silent),
      UserError,
      'Cannot add the route 203.0.113.0/24 through "ztun0"',
    );
    waitUntilGone("ztun0");
  }));

rootTest("up: a name in use is refused with another way", () =>
  inNetNamespace(() => {
    const first = setUpDevice(settings(), 1, silent);
    const error = assertThrows(() => setUpDevice(settings(), 1, silent), UserError, '"ztun0"');
    assertEquals(error.exitCode, Exit.Failed);
    assert(error.hint?.includes("--tun"));
    first.close();
  }));

rootTest("up: an adopted device is taken as it is", () =>
  inNetNamespace(() => {
    const opened = openTun({ name: "given", offload: "auto" });
    const host = setUpDevice(settings({ fd: opened.fd }), 1, silent);
    assertEquals([host.device.name, host.device.vnet, host.steps], ["given", true, []]);
    assertEquals(runHere("ip", "route"), "");
    host.close();
    waitUntilGone("given");
  }));

rootTest("up: packet information on an adopted device is refused", () =>
  inNetNamespace(() => {
    const path = new Uint8Array(128);
    new TextEncoder().encodeInto("/dev/net/tun", path);
    const request = new Uint8Array(128);
    new TextEncoder().encodeInto("information", request);
    request[16] = 1;
    const fd = libc().open(path, 2);
    assertEquals(libc().ioctl(fd, 0x400454ca, request), 0);
    assertThrows(
      () => setUpDevice(settings({ fd }), 1, silent),
      UserError,
      "packet information",
    );
  }));

Deno.test("up: a descriptor that is no TUN is refused", () => {
  assertThrows(() => setUpDevice(settings({ fd: 0 }), 1, silent), UserError, "descriptor 0");
});
