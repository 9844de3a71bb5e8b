import { assert, assertEquals } from "@std/assert";
import { fieldsOf, fits, judgeDelete, sameFields } from "../../ffi/netlink_fields_linux.ts";

const small = fieldsOf({ link: 3 });
const large = fieldsOf({ link: 3, metric: 5 });
const other = fieldsOf({ link: 4, metric: 5 });

Deno.test("what says nothing to the kernel is left out", () => {
  assertEquals(
    [...fieldsOf({ a: undefined, b: false, c: 0, d: "0", e: true, f: new Uint8Array([1, 2]) })],
    [["d", "0"], ["e", "true"], ["f", "1,2"]],
  );
});

Deno.test("a request fits whatever has all that it says", () => {
  assert(fits(small, large, []) && !fits(large, small, []));
  assert(!fits(large, other, []) && fits(large, other, ["link"]));
  assert(sameFields(large, fieldsOf({ metric: 5, link: 3 })) && !sameFields(small, large));
});

Deno.test("the kernel takes the first that fits", () => {
  assertEquals(judgeDelete(small, [other, small, large], []), "right");
  assertEquals(judgeDelete(small, [other, large, small], []), "another");
  assertEquals(judgeDelete(small, [other, large], []), "absent");
  assertEquals(judgeDelete(large, [other, large], ["link"]), "another");
});
