import { assertEquals } from "@std/assert";
import { attribute } from "../../ffi/netfilter_message_linux.ts";
import {
  Compare,
  compare,
  ctStore,
  lookup,
  Meta,
  metaLoad,
  Verdict,
  verdict,
} from "../../ffi/nftables_expression_linux.ts";

// What each expression does is tested where rules are compiled, against what `nft` makes of them.

Deno.test("the first word of four has the number of a wide register, the others their own", () => {
  const register = (word: number) => metaLoad(Meta.Mark, word).attributes[1];
  assertEquals(register(0), attribute(1, 1));
  assertEquals(register(1), attribute(1, 9));
  assertEquals(register(4), attribute(1, 2));
  assertEquals(register(5), attribute(1, 13));
});

Deno.test("an expression has a name and its attributes", () => {
  const octets = Uint8Array.of(1, 2);
  assertEquals(compare(Compare.NotEqual, 0, octets), {
    name: "cmp",
    attributes: [attribute(1, 1), attribute(2, 1), attribute(3, [attribute(1, octets)])],
  });
  assertEquals(ctStore(3, 0).attributes, [attribute(2, 3), attribute(4, 1)]);
});

Deno.test("verdicts are immediate values of the register that decides", () => {
  const jump = verdict(Verdict.Jump, "there");
  assertEquals(jump.name, "immediate");
  assertEquals(jump.attributes[0], attribute(1, 0));
});

Deno.test("a lookup finds its set by name and by number, or holds for all that is outside", () => {
  assertEquals(lookup("near", 7, 0, false).attributes.length, 3);
  assertEquals(lookup("near", 7, 0, true).attributes.at(-1), attribute(5, 1));
});
