import { assertEquals } from "@std/assert";
import { climb } from "./climb.ts";

/** Carries so much; what goes beyond costs some of it. */
async function climbWith(capacity: number): Promise<{ rates: number[]; best: number }> {
  const rates: number[] = [];
  const { delivered } = await climb(100, (rate) => {
    rates.push(rate);
    const excess = Math.max(0, rate - capacity);
    return Promise.resolve({ delivered: Math.max(0, Math.min(rate, capacity) - excess / 4) });
  });
  return { rates, best: delivered };
}

Deno.test("climb: doubles until most is lost, then offers a little more than the most", async () => {
  assertEquals(await climbWith(450), { rates: [100, 200, 400, 800, 800, 480], best: 442.5 });
});

Deno.test("climb: what cannot carry the first offer is offered less", async () => {
  assertEquals(await climbWith(48), { rates: [100, 100, 42], best: 42 });
});

Deno.test("climb: ends where nothing arrives", async () => {
  assertEquals(await climbWith(0), { rates: [100, 100, 0], best: 0 });
});

Deno.test("climb: one bad step does not end it", async () => {
  const rates: number[] = [];
  const { delivered } = await climb(100, (rate) => {
    rates.push(rate);
    const disturbed = rates.length === 1;
    return Promise.resolve({ delivered: disturbed ? 10 : Math.min(rate, 150) });
  });
  assertEquals({ rates, delivered }, { rates: [100, 100, 200, 400, 400, 180], delivered: 150 });
});
