import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  Socks5Handshake,
  type Socks5HandshakeOptions,
} from "../../../../src/outbound/socks5/handshake.ts";

const TARGET = { kind: "ip", address: new Uint8Array([192, 0, 2, 1]), port: 80 } as const;
const REQUEST = [5, 1, 0, 1, 192, 0, 2, 1, 0, 80];
const PASSWORD = [1, 1, 0x75, 2, 0x70, 0x77];
const REPLY = [5, 0, 0, 1, 10, 0, 0, 1, 4, 56];
const CREDENTIALS = { user: "u", password: "pw" };

function handshake(options: Partial<Socks5HandshakeOptions> = {}): Socks5Handshake {
  return new Socks5Handshake({
    command: "connect",
    target: TARGET,
    pipelined: false,
    method: undefined,
    ...options,
  });
}

function feed(machine: Socks5Handshake, ...bytes: number[]): number {
  return machine.receive(new Uint8Array(bytes), 0, bytes.length);
}

/** The method selection, and what follows once our next message is out. */
function play(machine: Socks5Handshake, ...bytes: number[]): void {
  feed(machine, ...bytes.slice(0, 2));
  machine.takeOutput();
  feed(machine, ...bytes.slice(2));
}

Deno.test("one message at a time, without a password", () => {
  const machine = handshake();
  assertEquals([...machine.start()], [5, 1, 0]);
  assertEquals(feed(machine, 5, 0), 2);
  assertEquals(machine.state, "request");
  assertEquals([...machine.takeOutput() ?? []], REQUEST);
  assertEquals(machine.takeOutput(), undefined);
  assertEquals(feed(machine, ...REPLY, 1, 2, 3), REPLY.length);
  assertEquals(machine.state, "done");
  assertEquals(machine.bound, { kind: "ip", address: new Uint8Array([10, 0, 0, 1]), port: 1080 });
  assertEquals(feed(machine, 9), 0);
});

Deno.test("one message at a time, with a password", () => {
  const machine = handshake({ credentials: CREDENTIALS });
  assertEquals([...machine.start()], [5, 2, 0, 2]);
  feed(machine, 5, 2);
  assertEquals([machine.state, machine.chosenMethod], ["auth", 2]);
  assertEquals([...machine.takeOutput() ?? []], PASSWORD);
  feed(machine, 1, 0);
  assertEquals([...machine.takeOutput() ?? []], REQUEST);
  feed(machine, ...REPLY);
  assertEquals(machine.state, "done");
});

Deno.test("an answer that comes before its question ends the handshake: the password would be skipped", () => {
  const machine = handshake({ credentials: CREDENTIALS });
  machine.start();
  feed(machine, 5, 2, 1, 0, ...REPLY);
  assertEquals([machine.state, machine.failure?.kind], ["failed", "protocol"]);
  assertEquals(machine.takeOutput(), undefined);
});

Deno.test("a proxy may waive the password that we have", () => {
  const machine = handshake({ credentials: CREDENTIALS });
  feed(machine, 5, 0);
  assertEquals(machine.state, "request");
  assertEquals([...machine.takeOutput() ?? []], REQUEST);
});

Deno.test("pipelined: everything in the first write", () => {
  const plain = handshake({ pipelined: true });
  assertEquals([...plain.start()], [5, 1, 0, ...REQUEST]);
  assertEquals(feed(plain, 5, 0, ...REPLY), 12);
  assertEquals([plain.state, plain.takeOutput()], ["done", undefined]);

  const withPassword = handshake({ pipelined: true, credentials: CREDENTIALS, method: 2 });
  assertEquals([...withPassword.start()], [5, 1, 2, ...PASSWORD, ...REQUEST]);
  assertEquals(feed(withPassword, 5, 2, 1, 0, ...REPLY), 14);
  assertEquals([withPassword.state, withPassword.takeOutput()], ["done", undefined]);

  const waived = handshake({ pipelined: true, credentials: CREDENTIALS, method: 0 });
  assertEquals([...waived.start()], [5, 1, 0, ...REQUEST]);

  const unknown = handshake({ pipelined: true, credentials: CREDENTIALS });
  assertEquals(unknown.pipelined, false);
  assertEquals([...unknown.start()], [5, 2, 0, 2]);
});

Deno.test("names, IPv6 and ASSOCIATE in requests; names and IPv6 in replies", () => {
  const named = handshake({
    pipelined: true,
    target: { kind: "name", name: "a.test", port: 443 },
  });
  const start = [...named.start()];
  assertEquals(start.slice(3), [5, 1, 0, 3, 6, 0x61, 0x2e, 0x74, 0x65, 0x73, 0x74, 1, 187]);
  feed(named, 5, 0, 5, 0, 0, 3, 1, 0x62, 0, 7);
  assertEquals(named.bound, { kind: "name", name: "b", port: 7 });

  const six = handshake({
    command: "associate",
    pipelined: true,
    target: { kind: "ip", address: new Uint8Array(16), port: 0 },
  });
  assertEquals([...six.start()].slice(3, 7), [5, 3, 0, 4]);
  play(six, 5, 0, 5, 0, 0, 4, ...new Array(16).fill(1), 0, 9);
  assertEquals(six.bound, { kind: "ip", address: new Uint8Array(16).fill(1), port: 9 });
});

Deno.test("what the proxy refuses has a kind, a code and a sentence", () => {
  const failed = (options: Partial<Socks5HandshakeOptions>, ...bytes: number[]) => {
    const machine = handshake(options);
    machine.start();
    play(machine, ...bytes);
    assertEquals(machine.state, "failed");
    assertEquals(machine.takeOutput(), undefined);
    assert((machine.failure?.message ?? "").length > 0);
    return [machine.failure?.kind, machine.failure?.code];
  };
  assertEquals(failed({}, 5, 255), ["password-needed", 255]);
  assertEquals(failed({ credentials: CREDENTIALS }, 5, 255), ["rejected-method", 255]);
  assertEquals(failed({}, 5, 2), ["protocol", 2]);
  assertEquals(failed({ credentials: CREDENTIALS }, 5, 2, 1, 1), ["auth-failed", 1]);
  assertEquals(failed({}, 5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0), ["reply", 5]);
  assertEquals(failed({}, 0x48, 0x54, 0x54, 0x50), ["protocol", undefined]);
  assertEquals(failed({}, 5, 0, 4), ["protocol", undefined]);
  assertEquals(failed({}, 5, 0, 5, 0, 1), ["protocol", undefined]);
  assertEquals(failed({}, 5, 0, 5, 0, 0, 9), ["protocol", undefined]);
});

Deno.test("a close at any point fails once, and changes nothing afterwards", () => {
  const steps = [[], [5], [5, 0], [5, 0, 5, 0, 0, 1, 1]];
  for (const bytes of steps) {
    const machine = handshake();
    play(machine, ...bytes);
    machine.closed();
    assertEquals([machine.state, machine.failure?.kind], ["failed", "closed"]);
    assertEquals(machine.replied, false);
  }
  const done = handshake();
  play(done, 5, 0, ...REPLY);
  done.closed();
  assertEquals([done.state, done.failure, done.replied], ["done", undefined, true]);
  const refused = handshake();
  play(refused, 5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0);
  refused.closed();
  assertEquals([refused.failure?.kind, refused.replied], ["reply", true]);
});

Deno.test("what does not fit its length byte is refused before anything is sent", () => {
  assertThrows(
    () => handshake({ target: { kind: "name", name: "a".repeat(256), port: 1 } }),
    RangeError,
  );
  assertThrows(() => handshake({ target: { kind: "name", name: "", port: 1 } }), RangeError);
  assertThrows(
    () => handshake({ credentials: { user: "é".repeat(128), password: "p" } }),
    RangeError,
  );
  assertThrows(
    () => handshake({ target: { kind: "ip", address: new Uint8Array(5), port: 1 } }),
    RangeError,
  );
  handshake({ credentials: { user: "u", password: "" } });
});

Deno.test("property: replies in any pieces, followed by data, come to the same end", () => {
  const name = fc.uint8Array({ minLength: 0, maxLength: 255 });
  const tail = fc.uint8Array({ maxLength: 20 });
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 300 });
  fc.assert(fc.property(name, tail, cuts, fc.boolean(), (bound, rest, sizes, pipelined) => {
    const bytes = new Uint8Array([
      ...[5, 2, 1, 0, 5, 0, 0, 3, bound.length],
      ...bound,
      ...[1, 2],
      ...rest,
    ]);
    const machine = handshake({
      pipelined,
      credentials: CREDENTIALS,
      method: pipelined ? 2 : undefined,
    });
    machine.start();
    let consumed = 0;
    // One message at a time, the proxy sends the next one only after it was asked for it.
    const messages = pipelined ? [bytes.length] : [2, 4, bytes.length];
    for (let i = 0, at = 0; at < bytes.length; i++) {
      const limit = messages.find((length) => length > at)!;
      const end = Math.min(limit, at + (sizes[i % sizes.length] ?? 1));
      consumed += machine.receive(bytes, at, end);
      machine.takeOutput();
      at = end;
    }
    assertEquals(machine.state, "done");
    assertEquals(consumed, bytes.length - rest.length);
    assertEquals(machine.bound?.port, 258);
  }));
});

Deno.test("property: whatever the proxy sends, nothing throws and no more is taken than was given", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 30 })), fc.boolean(), (pieces, p) => {
    const machine = handshake({ credentials: CREDENTIALS, pipelined: p, method: 2 });
    machine.start();
    for (const piece of pieces) {
      const taken = machine.receive(piece, 0, piece.length);
      assert(taken >= 0 && taken <= piece.length);
      machine.takeOutput();
    }
    machine.closed();
    assert(machine.state === "done" || machine.state === "failed");
  }));
});
