import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  attributeNumber,
  attributeText,
  NetlinkRequest,
  readAttributes,
  readMessages,
} from "../../ffi/netlink_message_linux.ts";

Deno.test("a request written is the message read", () => {
  const text = new TextEncoder().encode("tun7\0");
  const request = new NetlinkRequest(16, 5, new Uint8Array([1, 2, 3, 4]))
    .attribute(3, text).attribute32(4, 0xfffe_0001);
  const length = request.finish(42);
  assertEquals(length, 16 + 4 + 12 + 8);
  const [message, ...others] = [...readMessages(request.bytes, length)];
  assertEquals(others, []);
  assertEquals([message!.type, message!.flags, message!.sequence], [16, 5, 42]);
  const attributes = readAttributes(request.bytes, message!.at + 4, message!.end);
  assertEquals(attributeText(attributes.get(3)), "tun7");
  assertEquals(attributeNumber(attributes.get(4)), 0xfffe_0001);
  assertEquals([attributeText(undefined), attributeNumber(undefined)], ["", undefined]);
});

Deno.test("the flags in an attribute's type are not its number", () => {
  const bytes = new Uint8Array([5, 0, 18, 0x80, 7, 0, 0, 0]);
  assertEquals([...readAttributes(bytes, 0, 8)], [[18, new Uint8Array([7])]]);
});

Deno.test("crooked messages end the list, in bounded work", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const messages = [...readMessages(bytes, bytes.length)];
    for (const { at, end } of messages) {
      assertEquals(at <= end && end <= bytes.length, true);
      for (const value of readAttributes(bytes, at, end).values()) {
        assertEquals(value.length <= end - at, true);
      }
    }
  }));
});
