import { assert, assertEquals } from "@std/assert";
import { defaultSettings } from "../../../src/config/settings.ts";
import { stackOptions } from "../../../src/engine/stack_options.ts";

Deno.test("limits and times are those of the settings", () => {
  const settings = defaultSettings();
  settings.limits.tcpFlows = 11;
  settings.limits.halfOpen = 12;
  settings.limits.flowBytes = 13;
  settings.limits.reassemblyPackets = 14;
  settings.limits.reassemblyBytes = 15;
  settings.timeouts.tcpIdle = 16;
  settings.timeouts.tcpHalfClosed = 17;
  settings.timeouts.reassembly = 18;
  const { tcp, tcpBounds, reassembly } = stackOptions(settings);
  assertEquals(tcpBounds, { flows: 11, halfOpen: 12 });
  assertEquals(reassembly, { packets: 14, bytes: 15, lifetime: 18 });
  assertEquals([tcp.flowBytes, tcp.idle, tcp.halfClosed], [13, 16, 17]);
});

Deno.test("the router's addresses are the device's neighbours", () => {
  const settings = defaultSettings();
  settings.tun.addresses = ["10.1.2.1/24", "2001:db8::5/64"];
  const { router } = stackOptions(settings);
  assertEquals([...router.ipv4], [10, 1, 2, 2]);
  assertEquals([...router.ipv6], [0x20, 1, 13, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6]);
});

Deno.test("a device without a neighbour, or without addresses, gets the usual ones", () => {
  const settings = defaultSettings();
  for (const addresses of [[], ["10.1.2.1/32", "2001:db8::5/128"]]) {
    settings.tun.addresses = addresses;
    const { router } = stackOptions(settings);
    assertEquals([...router.ipv4], [198, 18, 0, 2]);
    assertEquals([...router.ipv6.subarray(0, 4)], [0xfd, 0x7a, 0x74, 0x75]);
  }
});

Deno.test("echo is answered as the settings say, and secrets are random", () => {
  const settings = defaultSettings();
  assert(stackOptions(settings).answerEcho);
  settings.ping = "refuse";
  const options = stackOptions(settings);
  assert(!options.answerEcho);
  const [one, other] = [new Uint8Array(20), new Uint8Array(20)];
  options.random(one);
  options.random(other);
  assert(one.some((byte, i) => byte !== other[i]));
});
