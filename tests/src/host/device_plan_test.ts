import { assertEquals, assertThrows } from "@std/assert";
import { Exit, UserError } from "../../../src/errors.ts";
import { defaultRoutes, planDevice } from "../../../src/host/device_plan.ts";

const tun = { addresses: ["198.18.0.1/30", "fd00::1/126"], mtu: 1500 };
const device = "ztun0";

function commandsOf(plan: Partial<Parameters<typeof planDevice>[0]>): string[] {
  return planDevice({ device, tun, routes: [], hasIpv6: true, ...plan })
    .map((step) => step.command)
    .filter((command) => command.startsWith("ip "));
}

Deno.test("addresses come before the link is up, routes after", () => {
  assertEquals(commandsOf({ routes: ["203.0.113.0/24", "::/0", "192.0.2.7"] }), [
    "ip link set dev ztun0 mtu 1500",
    "ip link set dev ztun0 txqueuelen 2000",
    "ip address add 198.18.0.1/30 dev ztun0",
    "ip address add fd00::1/126 dev ztun0 nodad",
    "ip link set dev ztun0 up",
    "ip route add 203.0.113.0/24 dev ztun0 proto static",
    "ip route add ::/0 dev ztun0 proto static",
    "ip route add 192.0.2.7/32 dev ztun0 proto static",
  ]);
});

Deno.test("a kernel without IPv6 is asked for IPv4 only", () => {
  const plan = { device, tun, routes: ["0.0.0.0/0", "::/0"], hasIpv6: false };
  assertEquals(planDevice(plan).map((step) => step.command), [
    "ip link set dev ztun0 mtu 1500",
    "ip link set dev ztun0 txqueuelen 2000",
    "ip address add 198.18.0.1/30 dev ztun0",
    "ip link set dev ztun0 up",
    "ip route add 0.0.0.0/0 dev ztun0 proto static",
  ]);
});

Deno.test("what cannot work is refused before anything is done", () => {
  const cases: [Partial<Parameters<typeof planDevice>[0]>, string, string][] = [
    [{ routes: ["10.1.2.3/8"] }, "bits are set", "--include 10.0.0.0/8"],
    [{ routes: ["everything"] }, 'route "everything"', "192.0.2.1/24"],
    [{ tun: { ...tun, addresses: ["1.2.3/8"] } }, 'address "1.2.3/8"', "192.0.2.1/24"],
    [{ tun: { ...tun, mtu: 1279 } }, "MTU of 1279", "--mtu 1280"],
  ];
  for (const [plan, message, hint] of cases) {
    const error = assertThrows(() => commandsOf(plan), UserError, message);
    assertEquals(error.exitCode, Exit.Usage);
    assertEquals(error.hint?.includes(hint), true, error.hint);
  }
  assertEquals(commandsOf({ tun: { addresses: ["192.0.2.1/32"], mtu: 576 } }).length, 4);
});

Deno.test("default routes go to the families that there are addresses of", () => {
  assertEquals(defaultRoutes(["192.0.2.1/24", "fd00::1/64"]), ["0.0.0.0/0", "::/0"]);
  assertEquals(defaultRoutes(["fd00::1/64", "fd00::2/64"]), ["::/0"]);
  assertEquals(defaultRoutes([]), []);
});
