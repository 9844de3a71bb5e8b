import { assertEquals, assertThrows } from "@std/assert";
import { Errno, SysError } from "../../ffi/libc.ts";
import { NetlinkRequest } from "../../ffi/netlink_message_linux.ts";
import { NLM_F_DUMP_INTERRUPTED, Rtm } from "../../ffi/netlink_numbers_linux.ts";
import { NetlinkError, NetlinkSocket, type NetlinkWire } from "../../ffi/netlink_socket_linux.ts";
import { set32le } from "../../src/bytes.ts";

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

/** A message of the kernel's: its number is all that it says. */
interface Piece {
  type: number;
  value: number;
  flags?: number;
  /** Belongs to another request than the one that is being answered. */
  stale?: boolean;
}

const item = (value: number, flags = 0): Piece => ({ type: Rtm.NEWROUTE, value, flags });
const done: Piece = { type: NLMSG_DONE, value: 0 };

/** Plays back: what is received is a datagram of pieces, or the number of an error. */
class PlayedWire implements NetlinkWire {
  requests = 0;
  readonly #script: (Piece[] | number)[];

  constructor(...script: (Piece[] | number)[]) {
    this.#script = script;
  }

  send(): void {
    this.requests++;
  }

  receive(call: string, buffer: Uint8Array<ArrayBuffer>): number {
    const next = this.#script.shift();
    if (next === undefined) throw new Error("Nobody would answer");
    if (typeof next === "number") throw new SysError(call, next);
    let at = 0;
    for (const { type, value, flags = 0, stale = false } of next) {
      const structure = new Uint8Array(4);
      set32le(structure, 0, value);
      const message = new NetlinkRequest(type, flags, structure);
      const length = message.finish(stale ? this.requests - 1 : this.requests);
      buffer.set(message.bytes.subarray(0, length), at);
      at += length;
    }
    return at;
  }

  close(): void {}
}

function request(): NetlinkRequest {
  return new NetlinkRequest(Rtm.GETROUTE, 0, new Uint8Array(4));
}

function dump(wire: PlayedWire): number[] {
  return new NetlinkSocket(wire).dump(
    request(),
    Rtm.NEWROUTE,
    ({ bytes, at }) => bytes[at],
  );
}

Deno.test("a list is read to its end, whatever else arrives", () => {
  const wire = new PlayedWire(
    [item(1), { ...item(9), stale: true }, { ...done, stale: true }],
    [item(2), { type: Rtm.NEWLINK, value: 8 }],
    [done],
  );
  assertEquals(dump(wire), [1, 2]);
  assertEquals(wire.requests, 1);
});

Deno.test("a list that changed while it was read is asked for again", () => {
  for (
    const torn of [
      [item(1, NLM_F_DUMP_INTERRUPTED), done],
      [item(1), { ...done, flags: NLM_F_DUMP_INTERRUPTED }],
    ]
  ) {
    const wire = new PlayedWire(torn, [item(2), item(3)], [done]);
    assertEquals(dump(wire), [2, 3]);
    assertEquals(wire.requests, 2);
  }
});

Deno.test("a list of which something was lost is read to its end, and asked for again", () => {
  const wire = new PlayedWire([item(1)], Errno.ENOBUFS, [done], [item(1), item(2), done]);
  assertEquals(dump(wire), [1, 2]);
  assertEquals(wire.requests, 2);
});

Deno.test("asking again has an end", () => {
  const torn = Array.from({ length: 100 }, () => [{ ...done, flags: NLM_F_DUMP_INTERRUPTED }]);
  const changing = assertThrows(() => dump(new PlayedWire(...torn)), NetlinkError, "it changed");
  assertEquals(changing.code, Errno.EINTR);
  const lost = Array.from({ length: 100 }, () => Errno.ENOBUFS as number);
  const failing = assertThrows(() => dump(new PlayedWire(...lost)), SysError, "RTM_GETROUTE");
  assertEquals(failing.code, Errno.ENOBUFS);
});

Deno.test("a list that ends with an error is refused", () => {
  const wire = new PlayedWire([item(1), { type: NLMSG_DONE, value: -Errno.ENOENT }]);
  assertEquals(assertThrows(() => dump(wire), NetlinkError).code, Errno.ENOENT);
});

Deno.test("a change is acknowledged; a lost acknowledgement is a failure", () => {
  const acknowledged = new PlayedWire([{ type: NLMSG_ERROR, value: 0 }]);
  new NetlinkSocket(acknowledged).change(request());
  const refused = new NetlinkSocket(
    new PlayedWire([{ type: NLMSG_ERROR, value: -Errno.EEXIST }]),
  );
  assertEquals(assertThrows(() => refused.change(request()), SysError).code, Errno.EEXIST);
  const lost = new NetlinkSocket(new PlayedWire(Errno.ENOBUFS));
  assertEquals(assertThrows(() => lost.change(request()), SysError).code, Errno.ENOBUFS);
});
