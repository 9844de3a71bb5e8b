import { assertEquals } from "@std/assert";
import { DEFAULT_ENGINE, type Peer } from "./options.ts";
import { isReference, variantsOf } from "./variants.ts";

const PEER: Peer = { name: "hev", command: "hev", configTemplate: undefined, mtu: 8500 };

Deno.test("variants: controls, peers, ztun as it comes", () => {
  const variants = variantsOf({ engines: [DEFAULT_ENGINE], workers: [], peers: [PEER] });
  assertEquals(variants, [
    { kind: "direct", name: "direct" },
    { kind: "proxy", name: "proxy" },
    { kind: "peer", name: "hev", peer: PEER },
    { kind: "ztun", name: "ztun", ztun: { flags: [] } },
  ]);
  assertEquals(variants.filter(isReference).map(({ name }) => name), ["proxy", "hev"]);
});

Deno.test("variants: each engine with each number of workers", () => {
  const variants = variantsOf({ engines: ["async", DEFAULT_ENGINE], workers: [1, 2], peers: [] });
  assertEquals(variants.slice(2), [
    {
      kind: "ztun",
      name: "ztun-async-w1",
      ztun: { flags: ["--engine", "async", "--workers", "1"] },
    },
    {
      kind: "ztun",
      name: "ztun-async-w2",
      ztun: { flags: ["--engine", "async", "--workers", "2"] },
    },
    { kind: "ztun", name: "ztun-w1", ztun: { flags: ["--workers", "1"] } },
    { kind: "ztun", name: "ztun-w2", ztun: { flags: ["--workers", "2"] } },
  ]);
});
