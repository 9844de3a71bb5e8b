import { assertEquals } from "@std/assert";
import { UserError } from "../../../src/errors.ts";
import { recoveryFailure } from "../../../src/host/recovery_failure.ts";

const recovered = (failed: Error[], altered: string[] = []) => ({
  ...{ path: "/j", device: "ztun0", pid: 1 },
  ...{ commands: [], altered, failed, kept: 0 },
});

Deno.test("recovery: what was undone, altered by others or is alive is no failure", () => {
  const alive = [{ path: "/k", pid: 2, device: "ztun1", here: true }];
  const report = {
    recovered: [recovered([], ["somebody wrote it"])],
    alive,
    elsewhere: [],
    unreadable: [],
  };
  assertEquals(recoveryFailure(report), undefined);
});

Deno.test("recovery: all failures are one error, with the first hint that there is", () => {
  const errors = [
    new Error("no kind"),
    new UserError("no right", { hint: "sudo" }),
    new UserError("no sense", { hint: "cat" }),
  ];
  const [first, second, third] = errors as [Error, Error, Error];
  const failure = recoveryFailure({
    recovered: [recovered([first]), recovered([second])],
    alive: [],
    elsewhere: [],
    unreadable: [third],
  });
  assertEquals((failure!.cause as AggregateError).errors, errors);
  assertEquals([failure!.hint, failure!.exitCode], ["sudo", 1]);
});

Deno.test("recovery: without a hint there is none", () => {
  const failure = recoveryFailure({
    recovered: [],
    alive: [],
    elsewhere: [],
    unreadable: [new Error("odd")],
  });
  assertEquals(failure!.hint, undefined);
});
