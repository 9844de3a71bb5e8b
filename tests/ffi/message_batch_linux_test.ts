import { assertEquals } from "@std/assert";
import { MessageBatch } from "../../ffi/message_batch_linux.ts";
import { Memory } from "../../ffi/memory.ts";

const LEVEL = 17;
const TYPE = 103;

Deno.test("each message has its own name, vector and control, where the kernel looks for them", () => {
  const batch = new MessageBatch(3);
  const memory = new Memory(4_096);
  const view = new DataView(batch.bytes.buffer);
  const begin = view.getBigUint64(0, true) - BigInt(batch.nameAt(0));
  const word = (at: number) => view.getUint32(at, true);
  const seen = new Set<number>();
  for (let index = 0; index < batch.size; index++) {
    batch.setVector(index, memory, 100 * index, 7 + index);
    batch.setNameLength(index, 16);
    batch.setControl(index, LEVEL, TYPE, 1_400);
    const header = 64 * index;
    const [name, vector, control] = [0, 16, 32].map((at) => {
      return Number(view.getBigUint64(header + at, true) - begin);
    }) as [number, number, number];
    assertEquals([name, word(header + 8)], [batch.nameAt(index), 16]);
    assertEquals([word(header + 24), word(vector + 8)], [1, 7 + index]);
    assertEquals(view.getBigUint64(vector, true), BigInt(memory.address(100 * index)));
    // `struct cmsghdr` and 16 bits: 18 bytes, which take 24.
    assertEquals([word(header + 40), word(control)], [24, 18]);
    assertEquals([word(control + 8), word(control + 12)], [LEVEL, TYPE]);
    assertEquals(view.getUint16(control + 16, true), 1_400);
    for (const at of [name, vector, control]) seen.add(at);
  }
  assertEquals(seen.size, 9);
  batch.free();
  memory.free();
});

Deno.test("a control message counts when it is there, and of the kind that was asked for", () => {
  const batch = new MessageBatch(1);
  assertEquals(batch.control(0, LEVEL, TYPE), 0);
  batch.setControl(0, LEVEL, TYPE, 9);
  assertEquals(batch.control(0, LEVEL, TYPE), 9);
  assertEquals([batch.control(0, LEVEL, TYPE + 1), batch.control(0, 1, TYPE)], [0, 0]);
  batch.clearControl(0);
  assertEquals(batch.control(0, LEVEL, TYPE), 0);
  batch.free();
});

Deno.test("a call may begin with a later message", () => {
  const batch = new MessageBatch(2);
  batch.setNameLength(1, 28);
  assertEquals(batch.nameLength(1), 28);
  assertEquals(batch.from(0).length - batch.from(1).length, 64);
  assertEquals(batch.from(1)[8], 28);
  batch.free();
});
