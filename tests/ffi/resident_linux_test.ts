import { assert, assertEquals } from "@std/assert";
import { collectGarbage } from "../../ffi/resident_linux.ts";

Deno.test("garbage is collected, and what is held is not", async () => {
  const held = { here: true };
  const [lost, kept] = [new WeakRef({}), new WeakRef(held)];
  // Within the turn that made it the target of a reference lives on.
  await new Promise((next) => setTimeout(next, 0));
  collectGarbage();
  assertEquals([lost.deref(), kept.deref()], [undefined, held]);
});

/** How much of what kind a process has in memory before and after `work`, in KiB: it runs by itself. */
async function residentAround(work: string): Promise<{ before: number; after: number }> {
  const program = `
    import * as resident from "${new URL("../../ffi/resident_linux.ts", import.meta.url)}";
    const read = (kind) =>
      Number(Deno.readTextFileSync("/proc/self/status").match(new RegExp(kind + ":\\\\s+(\\\\d+)"))[1]);
    ${work}
    console.log(JSON.stringify({ before, after }));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", "--unstable-ffi", program],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text.startsWith("{"), new TextDecoder().decode(stderr));
  return JSON.parse(text);
}

Deno.test("after a burst of objects the process is about as small as before", async () => {
  const { before, after } = await residentAround(`
    resident.collectGarbage();
    resident.releaseHeap();
    const before = read("RssAnon");
    let burst = Array.from({ length: 200_000 }, (_, i) => ({ i, text: "x" + i, next: [i] }));
    const peak = read("RssAnon");
    if (peak < before + 16_384) throw new Error("no burst");
    burst = [];
    resident.collectGarbage();
    resident.releaseHeap();
    const after = read("RssAnon");`);
  assert(after < before + 8_192, `${before} KiB before, ${after} after`);
});
