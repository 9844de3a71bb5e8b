import { assert, assertEquals } from "@std/assert";
import {
  type ExemptionHost,
  nameProcesses,
  planExemption,
} from "../../../../src/host/owner/exemption.ts";
import type { ProcessInfo } from "../../../../src/host/owner/process_table.ts";
import { process, uids } from "../../../support/processes.ts";

const CGROUP2 = { mount: "/sys/fs/cgroup", writable: true };
const others = [
  process(1, { cgroup: "/init.scope" }),
  process(50, { cgroup: "/user.slice/session-1.scope", uids: uids(1000) }),
];

function plan(proxy: readonly ProcessInfo[], host: Partial<ExemptionHost> = {}) {
  const owner = { listeners: [], holders: proxy.slice(0, 1), processes: proxy };
  return planExemption(owner, {
    processes: [...others, ...proxy],
    cgroup2: CGROUP2,
    user: (uid) => ({ name: `user${uid}`, service: uid > 0 && uid < 1000 }),
    ownUsers: [0, 1000],
    newCgroup: "/ztun-7",
    ...host,
  });
}

Deno.test("a service alone in its cgroup is exempted by that, with its children below", () => {
  const proxy = [
    process(10, { cgroup: "/system.slice/danted.service" }),
    process(11, { cgroup: "/system.slice/danted.service/worker" }),
  ];
  assertEquals(plan(proxy), {
    kind: "cgroup",
    path: "/system.slice/danted.service",
    why: "p10 (pid 10, 11) is alone in the cgroup /system.slice/danted.service",
  });
});

Deno.test("somebody else in the cgroup, or below, and the root cgroup, make it unfit", () => {
  const proxy = [process(10, { cgroup: "/system.slice/a.service" })];
  const neighbour = process(12, { cgroup: "/system.slice/a.service/x" });
  assertEquals(plan(proxy, { processes: [...proxy, neighbour] }).kind, "new-cgroup");
  assertEquals(plan([process(10)]).kind, "new-cgroup");
  const apart = [process(10, { cgroup: "/a" }), process(11, { cgroup: "/b" })];
  assertEquals(plan(apart).kind, "new-cgroup");
});

Deno.test("a service user of its own is next", () => {
  const proxy = [process(10, { uids: uids(467) }), process(11, { uids: uids(467) })];
  assertEquals(plan(proxy), {
    kind: "user",
    uid: 467,
    name: "user467",
    why: "p10 (pid 10, 11) has the user user467 to itself",
  });
});

Deno.test("a user that is shared, a person's, ztun's, or only one of several, is not taken", () => {
  const proxy = [process(10, { uids: uids(467) })];
  const sharing = process(12, { uids: [0, 467, 0, 467] });
  assertEquals(plan(proxy, { processes: [...proxy, sharing] }).kind, "new-cgroup");
  assertEquals(plan(proxy, { ownUsers: [467] }).kind, "new-cgroup");
  assertEquals(plan([process(10, { uids: uids(1000) })]).kind, "new-cgroup");
  assertEquals(plan([process(10, { uids: uids(0) })]).kind, "new-cgroup");
  const changing = [process(10, { uids: [0, 467, 0, 467] })];
  assertEquals(plan(changing).kind, "new-cgroup");
});

Deno.test("a new cgroup remembers where everybody was", () => {
  const proxy = [process(10, { cgroup: "/user.slice" }), process(11, { cgroup: "/" })];
  assertEquals(plan(proxy), {
    kind: "new-cgroup",
    path: "/ztun-7",
    moves: [
      { pid: 10, startTime: 100, from: "/user.slice" },
      { pid: 11, startTime: 110, from: "/" },
    ],
    why: "p10 (pid 10, 11) shares cgroup and user with other programs, so it gets the cgroup " +
      "/ztun-7 of its own",
  });
});

Deno.test("who is in our cgroup already stays there, also beside one that it replaces", () => {
  const proxy = [process(10, { cgroup: "/ztun-7" })];
  const older = process(9, { cgroup: "/ztun-7" });
  const again = plan(proxy, { processes: [...proxy, older] });
  assertEquals([again.kind, "path" in again && again.path], ["cgroup", "/ztun-7"]);
  const half = plan([...proxy, process(11)]);
  assertEquals("moves" in half && half.moves, [{ pid: 11, startTime: 110, from: "/" }]);
});

Deno.test("without a cgroup v2 to write to it is the user, or a refusal with a command", () => {
  const readOnly = { cgroup2: { ...CGROUP2, writable: false } };
  assertEquals(plan([process(10, { uids: uids(467) })], readOnly).kind, "user");
  for (const host of [readOnly, { cgroup2: undefined }]) {
    const refused = plan([process(10, { cgroup: "/own" })], host);
    const hint = refused.kind === "refused" ? refused.hint : "";
    assert(hint.includes("sudo -u proxy") && hint.includes("--bypass ADDRESS"), refused.kind);
  }
});

Deno.test("many processes are named by the first three", () => {
  const many = [10, 11, 12, 13, 14].map((pid) => process(pid, { name: "danted" }));
  assertEquals(nameProcesses(many), "danted (pid 10, 11, 12 and 2 more)");
});
