/** What a container does to a program: system calls that are answered with an error (`man 2 seccomp`). */

import { check, libc } from "../../ffi/libc.ts";
import { addressOf } from "../../ffi/memory.ts";

const PR_SET_NO_NEW_PRIVS = 38;
const SYS_SECCOMP = Deno.build.arch === "x86_64" ? 317 : 277;
const SECCOMP_SET_MODE_FILTER = 1;

const LOAD_WORD = 0x20;
const JUMP_IF_GREATER_OR_EQUAL = 0x35;
const JUMP_IF_GREATER = 0x25;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const ERROR = 0x0005_0000;

/** `struct sock_filter`: what, how far to jump if so and if not, and a number. */
type Instruction = readonly [code: number, yes: number, no: number, value: number];
const INSTRUCTION = 8;

const { symbols: more } = Deno.dlopen("libc.so.6", {
  seccomp: { name: "syscall", parameters: ["i32", "u32", "u32", "buffer"], result: "i32" },
});

/** Has the system calls from `first` to `last` fail with `code` on this thread: for good. */
export function forbidSystemCalls(first: number, last: number, code: number): void {
  const filter = assemble([
    // The number of the system call comes first in `struct seccomp_data`.
    [LOAD_WORD, 0, 0, 0],
    [JUMP_IF_GREATER_OR_EQUAL, 0, 2, first],
    [JUMP_IF_GREATER, 1, 0, last],
    [RETURN, 0, 0, ERROR | code],
    [RETURN, 0, 0, ALLOW],
  ]);
  const program = new BigUint64Array(16);
  program[0] = BigInt(filter.length / INSTRUCTION);
  program[1] = addressOf(filter);
  check("prctl", libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  const bytes = new Uint8Array(program.buffer);
  check("seccomp", more.seccomp(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, 0, bytes));
}

function assemble(instructions: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  // Longer than the program, so that V8 keeps it off its moving heap.
  const block = new Uint8Array(128);
  const view = new DataView(block.buffer);
  instructions.forEach(([code, yes, no, value], index) => {
    const at = index * INSTRUCTION;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, yes);
    view.setUint8(at + 3, no);
    view.setUint32(at + 4, value, true);
  });
  return block.subarray(0, instructions.length * INSTRUCTION);
}
