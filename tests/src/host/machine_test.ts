import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { parseStartTime, realMachine } from "../../../src/host/machine.ts";
import { eventually } from "../../support/eventually.ts";

const FIELDS = "1 1 1 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 8 0 90210 1234 5 6";

Deno.test("machine: the start time is found behind any name", () => {
  assertEquals(parseStartTime(`31 (ztun) S ${FIELDS}`), "90210");
  assertEquals(parseStartTime(`31 (a) R 1 2 (b) S ${FIELDS}`), "90210");
});

Deno.test("machine: a process that has ended does not live, though it is listed", () => {
  assertEquals(parseStartTime(`31 (ztun) Z ${FIELDS}`), undefined);
  assertEquals(parseStartTime(`31 (ztun) X ${FIELDS}`), undefined);
});

Deno.test("machine: this process lives, and no other has its start time", async () => {
  const own = realMachine.startTime(Deno.pid);
  assertMatch(own!, /^[0-9]+$/);
  assertEquals(own, realMachine.startTime(Deno.pid));
  assert(realMachine.bootId().length > 0);
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  assertNotEquals(realMachine.startTime(child.pid), undefined);
  child.kill("SIGKILL");
  await eventually("the child to be dead", () => {
    return realMachine.startTime(child.pid) === undefined || undefined;
  });
  await child.status;
});

Deno.test("machine: this network lives, and one that nobody is in does not", () => {
  assertMatch(realMachine.network(), /^net:\[[0-9]+\]$/);
  assert(realMachine.networkLives(realMachine.network()));
  assert(!realMachine.networkLives("net:[1]"));
});
