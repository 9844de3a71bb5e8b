import { assertEquals } from "@std/assert";
import { SCENARIO_NAMES } from "../scenario_names.ts";
import { scenario } from "./scenarios.ts";

Deno.test("every name has a scenario", () => {
  for (const name of SCENARIO_NAMES) assertEquals(scenario(name).name, name);
});
