import { assertEquals } from "@std/assert";
import { noiseIn } from "./noise.ts";
import type { Sample } from "./sample.ts";

function rounds(variant: string, values: number[], foreignShare = 0.01): Sample[] {
  return values.map((p50, round) => ({
    scenario: "rr",
    variant,
    round,
    figures: { p50 },
    foreignShare,
  }));
}

Deno.test("noise: quiet when the controls agree and nobody else was busy", () => {
  const samples = [...rounds("direct", [10, 11, 12]), ...rounds("proxy", [20, 20, 20])];
  assertEquals(noiseIn(samples, "p50"), []);
});

Deno.test("noise: a control whose rounds are far apart", () => {
  const samples = [...rounds("direct", [10, 10, 13]), ...rounds("proxy", [20, 20, 20])];
  assertEquals(noiseIn(samples, "p50"), ["the rounds of direct are 30 % apart"]);
});

Deno.test("noise: a tunnel may vary: that is its own", () => {
  assertEquals(noiseIn(rounds("ztun", [10, 20, 30]), "p50"), []);
});

Deno.test("noise: others on the machine; one short disturbance is left to the median", () => {
  const busy = rounds("direct", [10, 10, 10], 0.2);
  assertEquals(noiseIn(busy, "p50"), ["others used 20 % of the CPU time"]);
  const once = [...rounds("direct", [10], 0.9), ...rounds("proxy", [20, 20])];
  assertEquals(noiseIn(once, "p50"), []);
});

Deno.test("noise: failed rounds have no figure to compare", () => {
  const failed: Sample = { ...rounds("proxy", [1])[0]!, figures: {}, failure: "closed" };
  assertEquals(noiseIn([...rounds("proxy", [20, 21]), failed], "p50"), []);
  assertEquals(noiseIn([failed], undefined), []);
});
