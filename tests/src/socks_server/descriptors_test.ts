import { assert, assertEquals } from "@std/assert";
import { descriptorLimit, fitLimits } from "../../../src/socks_server/descriptors.ts";

Deno.test("limits fit into the descriptors there are", () => {
  const wanted = { connections: 16_384, associations: 1024 };
  assertEquals(fitLimits(wanted, Infinity), wanted);
  assertEquals(fitLimits(wanted, 1 << 20), wanted);
  for (const descriptors of [256, 1024, 4096, 20_000]) {
    const { connections, associations } = fitLimits(wanted, descriptors);
    // The worst that clients can do: as many associations as allowed, relays for the rest.
    const used = associations * 4 + (connections - associations) * 2;
    assert(used <= descriptors - 64 && connections > associations && associations > 0);
  }
  assert(fitLimits(wanted, 10).connections > 0);
});

Deno.test("the system says how many descriptors there are", () => {
  assert(descriptorLimit() > 64);
});
