import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  describeNews,
  exemptedSenders,
  LocalProxy,
  mayComeLater,
  refusalOf,
} from "../../../src/capture/local_proxy.ts";
import { Exit, UserError } from "../../../src/errors.ts";
import { NOBODY } from "../../../src/host/firewall/senders.ts";
import type { ExemptionPlan } from "../../../src/host/owner/proxy_exemption.ts";
import type { GuardNews } from "../../../src/host/owner/proxy_guard.ts";
import { ClosedPort } from "../../support/closed_port.ts";
import { FakeOwner } from "../../support/fake_local_proxy.ts";
import { address } from "../../support/route_rig.ts";

const END = { address: address("127.0.0.1"), port: 1080 };
const OPTIONS = {
  end: END,
  device: "test0",
  mark: 7,
  tunnelAddresses: [],
  ownUsers: [0],
  record: () => {},
};

/** A proxy that is made up, and news of it as sentences. */
class Rig implements Disposable {
  readonly owner = new FakeOwner();
  readonly local = this.owner.open(OPTIONS);

  start(now = 0): GuardNews {
    return this.local.start(now);
  }

  tick(now: number): string | undefined {
    const news = this.local.tick(now);
    return news === undefined ? undefined : describeNews(news, END);
  }

  [Symbol.dispose](): void {
    this.local.close();
  }
}

Deno.test("local proxy: it is exempted once, and looked at every ten seconds", () => {
  using rig = new Rig();
  assertEquals(exemptedSenders(rig.start()), { users: [{ from: 33, to: 33 }], cgroups: [] });
  assertEquals(rig.local.nextLook(0), 10_000);
  for (let now = 0; now < 30_000; now += 1_000) assertEquals(rig.tick(now), undefined);
  assertEquals([rig.owner.times, rig.owner.looks], [1, 2]);
});

Deno.test("local proxy: while it is gone it is looked for often, and the next is exempted", () => {
  using rig = new Rig();
  rig.start();
  rig.owner.inode = 0;
  assertEquals(rig.tick(5_000), undefined);
  rig.local.connectFailed(5_000);
  assertEquals(rig.local.nextLook(5_000), 5_000);
  assertEquals(rig.tick(5_000), "Nobody listens at 127.0.0.1:1080 any more");
  assertEquals(rig.local.nextLook(5_000), 5_010);
  assertEquals([rig.tick(5_100), rig.tick(5_200)], [undefined, undefined]);
  assertEquals(rig.local.nextLook(8_000), 8_100);
  rig.owner.inode = 6;
  assertStringIncludes(rig.tick(5_300)!, "stays outside: it has the user proxy");
  assertEquals([rig.owner.times, rig.local.nextLook(5_300)], [2, 15_300]);
});

Deno.test("local proxy: one that is not there yet is looked for from the start", () => {
  using rig = new Rig();
  rig.owner.inode = 0;
  const news = rig.start();
  assertEquals([news.kind, exemptedSenders(news)], ["not-exempted", NOBODY]);
  assertEquals(describeNews(news, END), "Nobody listens at 127.0.0.1:1080");
  assertEquals(rig.local.nextLook(0), 10);
  assertEquals(rig.local.processes(), []);
  rig.owner.inode = 6;
  assertStringIncludes(rig.tick(100)!, "stays outside");
  assertEquals(rig.local.processes().map(({ pid }) => pid), [Deno.pid]);
});

Deno.test("local proxy: one that cannot be exempted is told of once", () => {
  using rig = new Rig();
  rig.start();
  rig.owner.inode = 6;
  rig.owner.exemption = { kind: "refused", why: "it is root's", hint: "Give it a user" };
  const refusal = "Cannot keep the proxy at 127.0.0.1:1080 out of the tunnel: it is root's";
  assertEquals(rig.tick(10_000), refusal);
  assertEquals([rig.tick(10_100), rig.tick(10_200)], [undefined, undefined]);
  const error = refusalOf(rig.local.plan(), END);
  assertEquals([error.message, error.hint, error.exitCode], [
    refusal,
    "Give it a user",
    Exit.Failed,
  ]);
});

Deno.test("local proxy: a failure is told, and it is tried again", () => {
  using rig = new Rig();
  rig.start();
  rig.owner.inode = 6;
  rig.owner.broken = true;
  assertStringIncludes(rig.tick(10_000)!, "out of the tunnel: Error: no memory");
  rig.owner.broken = false;
  assertStringIncludes(rig.tick(10_100)!, "stays outside");
});

Deno.test("local proxy: the firewall gets the cgroup without the slash in front", () => {
  using rig = new Rig();
  rig.owner.exemption = { kind: "cgroup", path: "/a.slice/b", why: "it is alone there" };
  rig.owner.applied = { cgroup: { path: "/a.slice/b", id: 7, level: 2 } };
  assertEquals(exemptedSenders(rig.start()), {
    users: [],
    cgroups: [{ path: "a.slice/b", id: 7, level: 2 }],
  });
});

Deno.test("local proxy: connections that are still in the tunnel are told of", () => {
  using rig = new Rig();
  rig.owner.applied = { sockets: { marked: 0, complete: false, failures: [] } };
  assertStringIncludes(
    describeNews(rig.start(), END),
    "; some of its connections are still in the tunnel until they end",
  );
});

Deno.test("local proxy: who may come later, and what helps with the others", () => {
  using rig = new Rig();
  const process = rig.owner.process;
  const plans: readonly (readonly [ExemptionPlan, boolean, string])[] = [
    [{ kind: "nobody" }, true, "Start the proxy first"],
    [{ kind: "waiting", manager: process }, true, "systemctl list-sockets"],
    [{ kind: "container", relay: process, address: "172.17.0.2" }, false, "--bypass ADDRESS"],
    [{ kind: "elsewhere", holders: [process] }, false, "--bypass ADDRESS"],
    [{ kind: "hidden", uid: 33 }, false, "outside of containers"],
  ];
  for (const [plan, later, hint] of plans) {
    assertEquals(mayComeLater(plan), later, plan.kind);
    const error = refusalOf(plan, END);
    assert(error instanceof UserError && error.hint!.includes(hint), error.hint);
    assertStringIncludes(error.message, "127.0.0.1:1080");
  }
  assertThrows(() => refusalOf(rig.local.plan(), END), TypeError, "can be exempted");
});

Deno.test("local proxy: the system says that nobody listens", () => {
  using closed = new ClosedPort("tcp");
  const end = { ...END, port: closed.port };
  const local = new LocalProxy({ ...OPTIONS, end });
  try {
    assertEquals([local.plan().kind, local.end], ["nobody", end]);
  } finally {
    local.close();
  }
});
