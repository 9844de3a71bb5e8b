import { assertEquals } from "@std/assert";
import { blankedVariables, hiddenVariables } from "../../../src/host/secret_variables.ts";

Deno.test("only variables that are set are blanked", () => {
  const set: Record<string, string> = { ZTUN_PASSWORD: "hush", HOME: "/root" };
  assertEquals(blankedVariables((name) => set[name]), { ZTUN_PASSWORD: "" });
  assertEquals(Object.keys(blankedVariables(() => "x")), [...hiddenVariables]);
});
