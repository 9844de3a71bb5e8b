import { assertEquals, assertThrows } from "@std/assert";
import {
  encodeValue,
  formatFlags,
  formatValue,
  isPattern,
} from "../../../../src/host/firewall/field.ts";

Deno.test("values stand in registers as the kernel has them", () => {
  assertEquals([...encodeValue("meta mark", 0x1234)], [0x34, 0x12, 0, 0]);
  assertEquals([...encodeValue("th dport", 0x1234)], [0x12, 0x34]);
  assertEquals([...encodeValue("oiftype", 0x0304)], [4, 3]);
  assertEquals([...encodeValue("meta l4proto", "tcp")], [6]);
  assertEquals([...encodeValue("ip daddr", Uint8Array.of(1, 2, 3, 4))], [1, 2, 3, 4]);
  assertEquals([...encodeValue("oifname", "lo")], [108, 111, ...Array(14).fill(0)]);
  assertEquals([...encodeValue("oifname", "lo*")], [108, 111]);
  assertThrows(() => encodeValue("oifname", ""), RangeError, "interface");
  assertThrows(() => encodeValue("ct direction", "sideways"), TypeError, "sideways");
});

Deno.test("values are printed as nft reads them", () => {
  assertEquals(formatValue("meta mark", 0xca6c), "0x0000ca6c");
  assertEquals(formatValue("meta l4proto", 17), "udp");
  assertEquals(formatValue("meta l4proto", 132), "132");
  assertEquals(formatValue("iifname", "eth0"), '"eth0"');
  assertEquals(formatValue("ip6 daddr", new Uint8Array(16)), "::");
  assertEquals(formatFlags("tcp flags", 0x12), "(syn | ack)");
  assertEquals(formatFlags("tcp flags", 2), "syn");
  assertEquals(formatFlags("ct mark", 0xff), "0x000000ff");
});

Deno.test("a name that ends in a star is a pattern", () => {
  assertEquals([isPattern("docker*"), isPattern("docker0"), isPattern(7)], [true, false, false]);
});
