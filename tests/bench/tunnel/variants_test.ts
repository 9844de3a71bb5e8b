import { assertEquals } from "@std/assert";
import { DEFAULT_ENGINE, type Peer } from "./options.ts";
import { about, isReference, variantsOf } from "./variants.ts";

const PEER: Peer = {
  name: "hev",
  command: "hev",
  configTemplate: undefined,
  mtu: 8500,
  title: "hev 2",
};

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

Deno.test("variants: in words, without commands of this machine", () => {
  const variants = variantsOf({ engines: ["async"], workers: [2], peers: [PEER] });
  assertEquals(variants.map((variant) => about(variant, undefined)), [
    "no tunnel and no proxy",
    "the SOCKS5 server of all the others (`ztun socks`), without a tunnel",
    "hev 2, MTU 8500",
    "`ztun up --engine async --workers 2`, MTU 1500",
  ]);
  assertEquals(
    about(variants[1]!, "dante"),
    "the SOCKS5 server of all the others (dante), without a tunnel",
  );
});
