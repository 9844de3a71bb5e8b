import { assertEquals } from "@std/assert";
import { localOutcome, replyOutcome } from "../../../../src/outbound/socks5/failure.ts";

Deno.test("each reply code shows as the error of the direct path", () => {
  const outcomes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 200].map(replyOutcome);
  assertEquals(outcomes, [
    "host-unreachable",
    "prohibited",
    "network-unreachable",
    "host-unreachable",
    "refused",
    "timed-out",
    "prohibited",
    "network-unreachable",
    "host-unreachable",
    "host-unreachable",
  ]);
});

Deno.test("a proxy that does not let us in is prohibited, a broken one resets", () => {
  const outcome = (kind: Parameters<typeof localOutcome>[0]["kind"], code?: number) =>
    localOutcome({ kind, code, message: "" });
  assertEquals(outcome("auth-failed", 1), "prohibited");
  assertEquals(outcome("rejected-method", 255), "prohibited");
  assertEquals(outcome("password-needed", 255), "prohibited");
  assertEquals(outcome("protocol"), "reset");
  assertEquals(outcome("closed"), "reset");
  assertEquals(outcome("reply", 5), "refused");
});
