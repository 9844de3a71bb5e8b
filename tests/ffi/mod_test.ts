import { assert, assertStringIncludes, assertThrows } from "@std/assert";
import { platform, platformOf } from "../../ffi/mod.ts";
import { UserError } from "../../src/errors.ts";

for (const system of ["darwin", "windows", "freebsd"]) {
  Deno.test(`on ${system} every facility says that it is unsupported, with a hint`, () => {
    const facilities = platformOf(system);
    const calls = [
      () => facilities.openTunQueues({ name: "", offload: "auto" }, 1),
      () => facilities.adoptTun(3),
      () => facilities.openRouteSocket(),
      () => facilities.openNetworkEvents(),
      () => facilities.suspendedMs(),
      () => facilities.requireNamespaces(),
    ];
    for (const call of calls) {
      const error = assertThrows(call, UserError, `unsupported on this system (${system})`);
      assertStringIncludes(error.hint!, "Linux");
    }
  });
}

Deno.test("this system's facilities are chosen", () => {
  assert(
    platform.openTunQueues === platformOf(Deno.build.os).openTunQueues || Deno.build.os !== "linux",
  );
});
