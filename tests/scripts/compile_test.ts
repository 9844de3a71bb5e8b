import { assertEquals } from "@std/assert";
import { compileArguments, workerModules } from "../../scripts/compile.ts";
import { withTree } from "../support/tree.ts";

Deno.test("compile: worker modules are found beside their owners and included", () => {
  const workers = withTree({
    "src/engine/pool.ts":
      'new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });\n',
    "src/engine/worker.ts": "",
  }, workerModules);
  assertEquals(workers, ["src/engine/worker.ts"]);
  const args = compileArguments(workers);
  assertEquals(args.slice(args.indexOf("--include"), args.indexOf("--include") + 2), [
    "--include",
    "src/engine/worker.ts",
  ]);
  assertEquals(args.at(-1), "main.ts");
});
