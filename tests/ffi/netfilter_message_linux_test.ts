import { assertEquals, assertThrows } from "@std/assert";
import {
  attribute,
  attribute64,
  NetfilterWriter,
  textAttribute,
} from "../../ffi/netfilter_message_linux.ts";
import { readAttributes, readMessages } from "../../ffi/netlink_message_linux.ts";

const HEADER = { type: 0xa00, flags: 0x400, family: 1, resource: 10 };

Deno.test("a message has its header in host order and its values in network order", () => {
  const writer = new NetfilterWriter();
  writer.message({ ...HEADER, attributes: [textAttribute(1, "abc"), attribute(2, 7)] }, 5);
  assertEquals([...writer.written()], [
    ...[36, 0, 0, 0, 0x00, 0x0a, 0x01, 0x04, 5, 0, 0, 0, 0, 0, 0, 0],
    ...[1, 0, 0, 10],
    ...[8, 0, 1, 0, 97, 98, 99, 0],
    ...[8, 0, 2, 0, 0, 0, 0, 7],
  ]);
});

Deno.test("attributes within attributes are marked, padded and read back", () => {
  const writer = new NetfilterWriter();
  const inner = [textAttribute(1, "ab"), attribute64(2, 2 ** 40 + 3), attribute(3, [])];
  writer.message({ ...HEADER, attributes: [attribute(4, inner)] }, 1);
  const bytes = writer.written();
  assertEquals(bytes.length % 4, 0);
  assertEquals(bytes[23], 0x80);
  const outer = readAttributes(bytes, 20, bytes.length).get(4)!;
  const read = readAttributes(outer, 0, outer.length);
  assertEquals([...read.get(1)!], [97, 98, 0]);
  assertEquals([...read.get(2)!], [0, 0, 1, 0, 0, 0, 0, 3]);
  assertEquals(read.get(3)!.length, 0);
});

Deno.test("messages stand behind one another, however many there are", () => {
  const writer = new NetfilterWriter();
  for (let i = 0; i < 1000; i++) {
    const text = "x".repeat(i % 37);
    writer.message({ ...HEADER, type: i, attributes: [textAttribute(1, text)] }, i);
  }
  const bytes = writer.written();
  const messages = [...readMessages(bytes, bytes.length)];
  assertEquals(messages.length, 1000);
  assertEquals(messages.every(({ type, sequence }, i) => type === i && sequence === i), true);
  assertEquals(readAttributes(bytes, messages[36]!.at + 4, messages[36]!.end).get(1)!.length, 37);
});

Deno.test("what sixteen bits cannot say the length of is refused", () => {
  const long = { ...HEADER, attributes: [attribute(1, new Uint8Array(65_532))] };
  assertThrows(() => new NetfilterWriter().message(long, 1), RangeError, "65536");
});
