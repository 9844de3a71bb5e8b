/**
 * Becomes COMMAND, for which the system calls from FIRST to LAST fail with CODE, as in a container.
 *
 *   under_seccomp.ts FIRST LAST CODE COMMAND [ARGUMENT...]
 */

import { addressOf } from "../../ffi/memory.ts";
import { forbidSystemCalls } from "./seccomp.ts";

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  execvp: { parameters: ["buffer", "buffer"], result: "i32" },
});

/** Longer than V8 keeps on its moving heap. */
const LONG = 128;

function textOf(argument: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(argument);
  const text = new Uint8Array(bytes.length + LONG);
  text.set(bytes);
  return text;
}

const [first, last, code, ...command] = Deno.args;
const texts = command.map(textOf);
const pointers = new BigUint64Array(texts.length + LONG);
texts.forEach((text, index) => pointers[index] = addressOf(text));
forbidSystemCalls(Number(first), Number(last), Number(code));
libc.execvp(texts[0]!, new Uint8Array(pointers.buffer));
throw new Error(`Cannot run ${command[0]}`);
