/** Slots in the hands of the kernel: who has which, and how many are left for others. */

import { assertEquals } from "@std/assert";
import { closeFd } from "../../../ffi/fd_passing_linux.ts";
import { Errno, libc } from "../../../ffi/libc.ts";
import { bufferOf, hasBuffer } from "../../../ffi/uring_linux.ts";
import { Arena, LARGE_SLOT } from "../../../src/arena.ts";
import { SlotGroup } from "../../../src/engine/slot_group.ts";
import { streamPair } from "../../support/descriptor_pairs.ts";
import { uringTest } from "../../support/needs_uring.ts";
import { type Completed, UringRig } from "../../support/uring_rig.ts";

const GROUP = 3;
const LARGE = 8;

/** A ring, an arena of eight large slots, a group, and a stream to receive from. */
class GroupRig extends UringRig {
  readonly arena = new Arena(this.bytes, LARGE, 4);
  readonly group: SlotGroup;
  readonly #pair = streamPair();

  constructor(count: number, reserve: number) {
    super();
    this.group = new SlotGroup(this.ring, GROUP, count, this.arena, reserve);
  }

  /** Sends so many bytes, and receives them. */
  receive(length: number): Completed {
    const bytes = new Uint8Array(length).fill(length);
    assertEquals(Number(libc().send(this.#pair[0], bytes, BigInt(length), 0)), length);
    return this.receiveAgain();
  }

  receiveAgain(): Completed {
    this.ring.recvSelect(this.#pair[1], GROUP, 0, false, 1, 1);
    return this.one();
  }

  override [Symbol.dispose](): void {
    this.#pair.forEach(closeFd);
    super[Symbol.dispose]();
  }
}

uringTest("it holds as many slots as it may, and leaves the reserve alone", () => {
  for (const [count, reserve, held] of [[4, 0, 4], [4, 6, 2], [8, 0, 8], [4, 8, 0]] as const) {
    using rig = new GroupRig(count, reserve);
    assertEquals(rig.arena.freeLarge, LARGE - held);
    assertEquals(rig.group.isEmpty, held === 0);
    rig.group.close();
    assertEquals(rig.arena.freeLarge, LARGE);
  }
});

uringTest(
  "what is taken is held by the taker at once, and what takes its place by the group",
  () => {
    using rig = new GroupRig(2, 0);
    assertEquals(rig.group.bytesHeld, 2 * LARGE_SLOT);
    const at = rig.group.take(bufferOf(rig.receive(200).flags));
    assertEquals(rig.arena.bytesInUse - rig.group.bytesHeld, LARGE_SLOT);
    rig.group.fill();
    assertEquals(rig.group.bytesHeld, 2 * LARGE_SLOT);
    assertEquals(rig.arena.bytesInUse - rig.group.bytesHeld, LARGE_SLOT);
    rig.arena.release(at);
    rig.group.close();
  },
);

uringTest("what is taken belongs to the taker; another slot takes its place", () => {
  using rig = new GroupRig(2, 0);
  const taken = [200, 300, 400, 500].map((length) => {
    const { result, flags } = rig.receive(length);
    assertEquals([result, hasBuffer(flags)], [length, true]);
    const at = rig.group.take(bufferOf(flags));
    assertEquals([rig.bytes[at], rig.arena.references(at)], [length & 255, 1]);
    rig.group.fill();
    rig.group.commit();
    return at;
  });
  assertEquals(new Set(taken).size, 4);
  assertEquals(rig.arena.freeLarge, LARGE - 2 - 4);
  // Nobody has written over what was taken.
  assertEquals(taken.map((at) => rig.bytes[at]), [200, 300 & 255, 400 & 255, 500 & 255]);
  for (const at of taken) rig.arena.release(at);
  rig.group.close();
  assertEquals(rig.arena.freeLarge, LARGE);
});

uringTest("what is given back is filled again", () => {
  using rig = new GroupRig(2, 0);
  for (let round = 0; round < 50; round++) {
    const { flags } = rig.receive(100);
    assertEquals(rig.group.at(bufferOf(flags)) % LARGE_SLOT, 0);
    rig.group.giveBack(bufferOf(flags));
    rig.group.commit();
  }
  assertEquals(rig.arena.freeLarge, LARGE - 2);
  rig.group.close();
});

uringTest("when memory is out the group runs empty, and fills when some comes back", () => {
  using rig = new GroupRig(4, 4);
  const taken = [1, 2, 3, 4].map((length) => rig.group.take(bufferOf(rig.receive(length).flags)));
  rig.group.fill();
  rig.group.commit();
  assertEquals([rig.group.isEmpty, rig.arena.freeLarge], [true, 4]);
  assertEquals(rig.receive(9).result, -Errno.ENOBUFS);
  rig.arena.release(taken[0]!);
  rig.group.fill();
  rig.group.commit();
  assertEquals([rig.group.isEmpty, rig.arena.freeLarge], [false, 4]);
  const { result, flags } = rig.receiveAgain();
  assertEquals(result, 9);
  rig.group.giveBack(bufferOf(flags));
  for (const at of taken.slice(1)) rig.arena.release(at);
  rig.group.close();
  assertEquals(rig.arena.freeLarge, LARGE);
});
