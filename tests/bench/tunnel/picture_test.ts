import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { QUIET_RUN, samples, throughputs, VARIANTS } from "./fixtures.ts";
import { picture } from "./picture.ts";
import { summarize } from "./summary.ts";

Deno.test("picture: the first figure of each scenario, for who has it", () => {
  const latencies = samples("rr", "ztun", [{ p50: 30, p99: 70 }]);
  const drawn = picture(summarize([...QUIET_RUN, ...latencies], VARIANTS), VARIANTS)!;
  assertStringIncludes(drawn, ">tcp-up-1: throughput<");
  assertStringIncludes(drawn, ">11 Gbit/s<");
  assertStringIncludes(drawn, ">rr: p50 (less is better)<");
  assertEquals(drawn.match(/<rect /g)!.length, 5);
  assert(!drawn.includes("p99"));
});

Deno.test("picture: what has no verdict is not drawn", () => {
  const noisy = throughputs({ proxy: [10, 20, 30], ztun: [9, 9, 9] });
  assertEquals(picture(summarize(noisy, VARIANTS), VARIANTS), undefined);
});
