import { assert, assertEquals } from "@std/assert";
import { Counters } from "../../src/counters.ts";

Deno.test("every counter is a field of its own and begins at zero", () => {
  const counters = new Counters();
  const names = Object.keys(counters);
  assert(names.length > 50);
  for (const [name, value] of Object.entries(counters)) {
    assertEquals(value, 0, name);
    assert(/^[a-z][a-zA-Z0-9]*$/.test(name), name);
  }
  counters.dropMalformed++;
  assertEquals(JSON.parse(JSON.stringify(counters)).dropMalformed, 1);
  assertEquals(new Counters().dropMalformed, 0);
});
