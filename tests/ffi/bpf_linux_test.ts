import { assertEquals, assertThrows } from "@std/assert";
import {
  assemble,
  copy,
  exit,
  goto,
  ifEqual,
  loadMap,
  loadPacketProgram,
  makeRecentMap,
  packet32,
  type Program,
  set,
} from "../../ffi/bpf_linux.ts";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { Errno, SysError } from "../../ffi/libc.ts";
import { rootTest } from "../support/root.ts";

const fine: Program = [copy(6, 1), packet32(0), set(0, 1), exit];

Deno.test("an instruction is eight octets: code, registers, offset, number", () => {
  assertEquals([...assemble([set(3, -2)])], [0xb7, 3, 0, 0, 0xfe, 0xff, 0xff, 0xff]);
  assertEquals([...assemble([copy(6, 1)])], [0xbf, 0x16, 0, 0, 0, 0, 0, 0]);
  assertEquals(assemble(loadMap(1, 7)).length, 16);
});

Deno.test("jumps go to their labels, forwards and back", () => {
  const bytes = assemble(["start", ifEqual(0, 5, "end"), goto("start"), exit, "end", exit]);
  const offsets = [0, 1].map((index) => new DataView(bytes.buffer).getInt16(index * 8 + 2, true));
  assertEquals(offsets, [2, -2]);
});

rootTest("the kernel takes a program that it can follow, and no other", () => {
  closeFd(loadPacketProgram(fine));
  // It ends without an answer in register 0.
  const error = assertThrows(() => loadPacketProgram([exit]), SysError, "BPF_PROG_LOAD");
  assertEquals(error.code, Errno.EACCES);
});

rootTest("a map is made of some size, and of none not", () => {
  closeFd(makeRecentMap(8, 4, 16));
  const error = assertThrows(() => makeRecentMap(8, 4, 0), SysError, "BPF_MAP_CREATE");
  assertEquals(error.code, Errno.EINVAL);
});
