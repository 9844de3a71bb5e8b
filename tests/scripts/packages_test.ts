import { assertEquals } from "@std/assert";
import { missingPackages, PACKAGES } from "../../scripts/packages.ts";

Deno.test("packages: one is missing when no folder has its command", () => {
  assertEquals(missingPackages(() => true), []);
  assertEquals(missingPackages(() => false), Object.keys(PACKAGES));
  assertEquals(missingPackages((path) => path !== "/usr/sbin/nginx"), []);
  assertEquals(missingPackages((path) => !path.endsWith("/nginx")), ["nginx-light"]);
});
