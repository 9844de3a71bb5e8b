import { assertEquals, assertThrows } from "@std/assert";
import type { InetSocket } from "../../../../ffi/sock_diag_linux.ts";
import type {
  AppliedExemption,
  ExemptionPlan,
} from "../../../../src/host/owner/proxy_exemption.ts";
import { ProxyGuard } from "../../../../src/host/owner/proxy_guard.ts";
import { process } from "../../../support/processes.ts";

const applied = {} as AppliedExemption;

function planned(inode: number): ExemptionPlan {
  const holders = [process(inode)];
  const owner = { listeners: [{ inode } as InetSocket], holders, processes: holders };
  return { kind: "planned", owner, exemption: { kind: "cgroup", path: "/a", why: "" } };
}

const refused: ExemptionPlan = {
  ...planned(9),
  kind: "planned",
  owner: { listeners: [], holders: [], processes: [] },
  exemption: { kind: "refused", why: "", hint: "" },
};

/** A proxy that listens with the socket `inode`. */
class Rig {
  inode = 7;
  plan = planned(7);
  applications = 0;
  failure: Error | undefined;
  readonly guard = new ProxyGuard({
    plan: () => this.plan,
    apply: () => {
      if (this.failure) throw this.failure;
      this.applications++;
      return applied;
    },
  }, { lookUp: () => this.inode, intervalMs: 100, alive: () => true });

  /** The kinds of what two ticks in a row say. */
  ticks(now: number): (string | undefined)[] {
    return [now, now + 100].map((each) => this.guard.tick(each)?.kind);
  }
}

Deno.test("it exempts at the start, and then only who is new", () => {
  const rig = new Rig();
  assertEquals(rig.guard.start(0).kind, "exempted");
  assertEquals(rig.ticks(100), [undefined, undefined]);
  rig.inode = 8;
  rig.plan = planned(8);
  assertEquals(rig.ticks(300), ["exempted", undefined]);
  assertEquals(rig.applications, 2);
});

Deno.test("a connection that failed makes it look before the next one", () => {
  const rig = new Rig();
  rig.guard.start(0);
  rig.inode = 8;
  rig.plan = planned(8);
  assertEquals(rig.guard.tick(1), undefined);
  rig.guard.connectFailed(1);
  assertEquals(rig.guard.tick(1)?.kind, "exempted");
});

Deno.test("that nobody listens, or nobody who can be exempted, is told once", () => {
  const rig = new Rig();
  rig.guard.start(0);
  rig.inode = 0;
  assertEquals(rig.ticks(100), ["gone", undefined]);
  rig.inode = 9;
  rig.plan = refused;
  assertEquals(rig.ticks(300), ["not-exempted", undefined]);
  rig.plan = { kind: "waiting", manager: process(1) };
  assertEquals(rig.ticks(500), ["not-exempted", undefined]);
  rig.plan = planned(9);
  assertEquals(rig.ticks(700), ["exempted", undefined]);
});

Deno.test("a failure is thrown at the start, told later, and tried again", () => {
  const rig = new Rig();
  rig.failure = new Error("no");
  assertThrows(() => rig.guard.start(0), Error, "no");
  assertEquals(rig.ticks(100), ["failed", undefined]);
  rig.failure = undefined;
  assertEquals(rig.ticks(300), ["exempted", undefined]);
});
