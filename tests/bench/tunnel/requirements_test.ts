import { assertEquals } from "@std/assert";
import { PACKAGES } from "../../../scripts/packages.ts";
import { obstacle } from "./requirements.ts";

Deno.test("requirements: root on Linux with the programs", () => {
  assertEquals(obstacle("linux", 0, []), undefined);
  assertEquals(obstacle("linux", 0, ["dnsutils"]), undefined);
});

Deno.test("requirements: what is missing comes with the command that helps", () => {
  assertEquals(
    obstacle("linux", 1000, [])?.hint,
    "sudo npx -y deno@2.9.6 task bench:tunnel",
  );
  assertEquals(obstacle("linux", 0, ["iperf3", "dnsutils", "wrk"]), {
    message: "it needs iperf3 wrk",
    hint: "apt-get install --no-install-recommends iperf3 wrk",
  });
  assertEquals(obstacle("darwin", 0, [])?.message, "it needs Linux");
});

Deno.test("requirements: every package is one that the tests know", () => {
  const hint = obstacle("linux", 0, Object.keys(PACKAGES))!.hint;
  assertEquals(hint.split(" ").slice(3).length, 8);
});
