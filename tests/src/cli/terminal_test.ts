import { assertEquals } from "@std/assert";
import { createTerminal, wantsColor } from "../../../src/cli/terminal.ts";
import { FakeEnvironment, type FakeWorld } from "./fake_environment.ts";

function wants(world: FakeWorld, mode: "auto" | "always" | "never" = "auto"): boolean {
  return wantsColor(new FakeEnvironment(world), "stdout", mode);
}

Deno.test("each stream decides for itself", () => {
  const environment = new FakeEnvironment({ terminals: ["stderr"] });
  const { out, err } = createTerminal(environment, "auto");
  assertEquals(out("error", "x"), "x");
  assertEquals(err("error", "x"), "\x1b[1;31mx\x1b[0m");
});

Deno.test("NO_COLOR and TERM=dumb switch colours off, --color overrules both", () => {
  const terminals = ["stdout"] as const;
  assertEquals(wants({ terminals }), true);
  assertEquals(wants({ terminals, variables: { NO_COLOR: "" } }), true);
  assertEquals(wants({ terminals, variables: { NO_COLOR: "0" } }), false);
  assertEquals(wants({ terminals, variables: { TERM: "dumb" } }), false);
  assertEquals(wants({ variables: { NO_COLOR: "1", TERM: "dumb" } }, "always"), true);
  assertEquals(wants({ terminals }, "never"), false);
});
