import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { QUIET_RUN, resultWith, samples } from "./fixtures.ts";
import { UsageError } from "./options.ts";
import { combine, readResult, writeResult } from "./result.ts";

Deno.test("result: what is read is what was written; summaries are there for others", async () => {
  const path = await Deno.makeTempFile();
  try {
    const result = resultWith(QUIET_RUN);
    await writeResult(path, result);
    assertEquals(await readResult(path), result);
    const [summary] = JSON.parse(await Deno.readTextFile(path)).summaries;
    assertEquals(summary.rows[0].ratios, { "ztun / proxy": 10 / 11, "ztun / hev": 2 });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("result: a file that is none is the user's mistake", async () => {
  await assertRejects(() => readResult("/nowhere.json"), UsageError, "Cannot read /nowhere.json");
});

Deno.test("result: it names variants, and not the commands that started them", () => {
  const { variants } = resultWith([]);
  assertEquals(variants.map(({ kind, name }) => [kind, name]), [
    ["direct", "direct"],
    ["proxy", "proxy"],
    ["peer", "hev"],
    ["ztun", "ztun"],
  ]);
  assert(variants.every((variant) => Object.keys(variant).join() === "kind,name,about"));
});

Deno.test("result: of a scenario that several runs have, the last counts", () => {
  const [first, again, other] = [[1], [2], [3]].map(([p50], at) =>
    samples(at === 2 ? "crr" : "rr", "ztun", [{ p50: p50! }])
  );
  const combined = combine([resultWith([...first!, ...other!]), resultWith(again!)]);
  assertEquals(combined.samples, [...other!, ...again!]);
});

Deno.test("result: only runs of the same go together", () => {
  const longer = { ...resultWith([]), seconds: 8 };
  assertThrows(() => combine([resultWith([]), longer]), UsageError, "differ in machine");
});
