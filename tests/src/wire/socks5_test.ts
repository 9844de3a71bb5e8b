import { assertEquals } from "@std/assert";
import fc from "fast-check";
import * as socks from "../../../src/wire/socks5.ts";

const encoder = new TextEncoder();

Deno.test("every length function asks for more until the message is whole, then ignores what follows", () => {
  const buffer = new Uint8Array(1024);
  const cases: [(b: Uint8Array, at: number, end: number) => number, number][] = [];
  const add = (length: (b: Uint8Array, at: number, end: number) => number, written: number) => {
    const message = buffer.slice(0, written);
    for (let end = 0; end < written; end++) {
      assertEquals(length(message, 0, end), socks.MORE, `${length.name} at ${end}`);
    }
    const shifted = new Uint8Array(written + 12).fill(0xee);
    shifted.set(message, 5);
    assertEquals(length(shifted, 5, shifted.length), written, length.name);
    cases.push([length, written]);
  };
  add(socks.greetingLength, socks.writeGreeting(buffer, 0, [0, 2]));
  add(socks.methodReplyLength, socks.writeMethodReply(buffer, 0, 2));
  add(
    socks.passwordRequestLength,
    socks.writePasswordRequest(buffer, 0, encoder.encode("user"), encoder.encode("pass word")),
  );
  add(socks.passwordReplyLength, socks.writePasswordReply(buffer, 0, 1));
  add(socks.messageLength, socks.writeMessage(buffer, 0, 1, new Uint8Array([1, 2, 3, 4]), 80));
  add(socks.messageLength, socks.writeMessage(buffer, 0, 1, new Uint8Array(16), 80));
  add(socks.messageLength, socks.writeNamedMessage(buffer, 0, 1, new Uint8Array(255), 80));
  assertEquals(cases.length, 7);
});

Deno.test("messages read back as they were written", () => {
  const bytes = new Uint8Array(600);
  socks.writeMessage(bytes, 3, socks.Command.Associate, new Uint8Array([10, 0, 0, 9]), 65535);
  assertEquals(socks.readCode(bytes, 3), socks.Command.Associate);
  assertEquals(socks.readAddressType(bytes, 3), socks.AddressType.Ipv4);
  assertEquals(socks.readAddress(bytes, 3), new Uint8Array([10, 0, 0, 9]));
  assertEquals(socks.readPort(bytes, 3), 65535);

  const name = encoder.encode("demo.test");
  socks.writeNamedMessage(bytes, 7, socks.Command.Connect, name, 443);
  assertEquals(socks.readAddress(bytes, 7), name);
  assertEquals(socks.readPort(bytes, 7), 443);

  socks.writePasswordRequest(bytes, 1, encoder.encode("u"), new Uint8Array(0));
  assertEquals(socks.readUser(bytes, 1), encoder.encode("u"));
  assertEquals(socks.readPassword(bytes, 1), new Uint8Array(0));

  socks.writeGreeting(bytes, 0, [0, 2]);
  assertEquals(socks.greetingOffers(bytes, 0, 2), true);
  assertEquals(socks.greetingOffers(bytes, 0, 1), false);
});

Deno.test("rubbish is known at the first byte that cannot be right", () => {
  const rubbish = (length: typeof socks.messageLength, ...bytes: number[]) =>
    assertEquals(length(new Uint8Array(bytes), 0, bytes.length), socks.RUBBISH);
  rubbish(socks.greetingLength, 4);
  rubbish(socks.greetingLength, 5, 0);
  rubbish(socks.methodReplyLength, 0x48);
  rubbish(socks.passwordReplyLength, 5);
  rubbish(socks.passwordRequestLength, 0);
  rubbish(socks.messageLength, 4);
  rubbish(socks.messageLength, 5, 0, 1);
  rubbish(socks.messageLength, 5, 0, 0, 2);
  assertEquals(socks.hasUnknownAddressType(new Uint8Array([5, 1, 0, 2]), 0, 4), true);
  assertEquals(socks.hasUnknownAddressType(new Uint8Array([5, 1, 0, 3]), 0, 4), false);
  assertEquals(socks.hasUnknownAddressType(new Uint8Array([5, 1, 0]), 0, 3), false);
});

Deno.test("reply codes have the RFC's names", () => {
  assertEquals(socks.replyName(socks.Reply.ConnectionRefused), "connection refused");
  assertEquals(socks.replyName(99), "unassigned reply 99");
});

Deno.test("a datagram header is written in front of its payload, from the IP header beneath it", () => {
  // A real packet's layout: destination address 24 (or 12) bytes before the payload, which stays as it is.
  for (const size of [4, 16]) {
    const payloadAt = 60;
    const bytes = new Uint8Array(80).map((_, i) => i);
    const addressAt = payloadAt - 8 - size;
    const address = bytes.slice(addressAt, addressAt + size);
    const payload = bytes.slice(payloadAt);
    const at = payloadAt - socks.udpHeaderLength(size);
    assertEquals(
      socks.writeUdpHeader(bytes, at, bytes, addressAt, size, 0x1234),
      payloadAt - at,
    );
    const header = socks.newUdpHeader();
    assertEquals(socks.readUdpHeader(bytes, at, bytes.length, header), true);
    assertEquals(header, {
      frag: 0,
      addressType: size === 4 ? 1 : 4,
      addressAt: at + 4,
      addressLength: size,
      port: 0x1234,
      payloadAt,
    });
    assertEquals(bytes.slice(header.addressAt, header.addressAt + size), address);
    assertEquals(bytes.slice(payloadAt), payload);
  }
});

Deno.test("a datagram header with a name, with a fragment number, and malformed ones", () => {
  const header = socks.newUdpHeader();
  const named = new Uint8Array([0, 0, 7, 3, 2, 0x61, 0x62, 0, 53]);
  assertEquals(socks.readUdpHeader(named, 0, named.length, header), true);
  assertEquals(header, {
    frag: 7,
    addressType: 3,
    addressAt: 5,
    addressLength: 2,
    port: 53,
    payloadAt: 9,
  });
  for (let end = 0; end < named.length; end++) {
    assertEquals(socks.readUdpHeader(named, 0, end, header), false);
  }
  const empty = new Uint8Array([0, 0, 0, 3, 0, 0, 53, 1]);
  assertEquals(socks.readUdpHeader(empty, 0, empty.length, header), false);
  const unknown = new Uint8Array([0, 0, 0, 2, 1, 2, 3, 4, 0, 53]);
  assertEquals(socks.readUdpHeader(unknown, 0, unknown.length, header), false);
});

Deno.test("property: no reader throws or reaches past the end, whatever the bytes", () => {
  const header = socks.newUdpHeader();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, offset) => {
    const at = Math.min(offset, bytes.length);
    for (
      const length of [
        socks.greetingLength,
        socks.methodReplyLength,
        socks.passwordRequestLength,
        socks.passwordReplyLength,
        socks.messageLength,
      ]
    ) {
      const found = length(bytes, at, bytes.length);
      if (found < -1 || at + found > bytes.length) throw new Error(`${length.name}: ${found}`);
    }
    if (socks.readUdpHeader(bytes, at, bytes.length, header)) {
      if (header.payloadAt > bytes.length) throw new Error("payload past the end");
    }
  }));
});
