/**
 * A proxy on the very host whose traffic is captured: what it sends stays out of the tunnel, whoever it
 * is, and everything is as before afterwards.
 */

import { assert, assertEquals } from "@std/assert";
import type { SocketEnd } from "../../ffi/sock_diag_linux.ts";
import { LoopWatchdog } from "../../src/host/owner/loop_watchdog.ts";
import { holdersOf } from "../../src/host/owner/descriptors.ts";
import { socketOfFlow } from "../../src/host/owner/flow_socket.ts";
import { parseAddress } from "../../src/addr/address.ts";
import { TestCgroup } from "../support/test_cgroup.ts";
import { danteConfig } from "../support/dante_config.ts";
import { type Case, e2e } from "../support/e2e.ts";
import { eventually } from "../support/eventually.ts";
import { WEB } from "../support/lab.ts";
import { HOST, LocalProxy } from "../support/local_proxy.ts";
import { sshDynamicCommand, startSshd } from "../support/ssh_server.ts";

const MICROSOCKS = ["microsocks", "-i", "127.0.0.1", "-p", "1080"];
/** Of the numbers that systemd gives to services. */
const SERVICE_USER = 64_996;

function local(name: string, server: string, body: (host: LocalProxy) => Promise<void>): void {
  e2e(`a local proxy ${name}`, server, async ({ lab }: Case) => {
    await using host = await LocalProxy.create(lab);
    await body(host);
  });
}

/** The server is reached, from the host's own address or the far proxy's, and not by the tunnel. */
async function assertOutside(host: LocalProxy, from = HOST): Promise<void> {
  const before = await host.swallowed();
  assertEquals(await host.fetch(), "hello");
  assertEquals(await host.swallowed(), before);
  assert(host.lab.logs().includes(`${from} - - `), "another source address");
}

/** Undone twice: as it was before the exemption. */
async function assertUndone(host: LocalProxy, cgroups: Map<number, string | undefined>) {
  await host.undo();
  await host.undo();
  for (const [pid, cgroup] of cgroups) assertEquals(host.cgroupOf(pid), cgroup, `process ${pid}`);
  assertEquals(host.marks().filter((mark) => mark !== 0), []);
  assertEquals(await Deno.stat(host.newDirectory).catch(() => "gone"), "gone");
}

async function cgroupsNow(host: LocalProxy): Promise<Map<number, string | undefined>> {
  return new Map((await host.pids()).map((pid) => [pid, host.cgroupOf(pid)]));
}

local(
  "that shares everything runs into the tunnel, and in a cgroup of its own not",
  "microsocks",
  async (host) => {
    const { pid } = await host.start(MICROSOCKS);
    const cgroups = await cgroupsNow(host);
    const plan = host.plan();
    assertEquals(plan.exemption.kind, "new-cgroup");
    await host.capture();
    assertEquals(await host.fetch(1), undefined);
    assert(await host.swallowed() > 0);
    const { bornMarked, cgroup, sockets } = host.apply(plan);
    assertEquals([bornMarked, cgroup?.path, cgroup?.level], [true, host.newCgroup, 1]);
    assertEquals([sockets.complete, sockets.failures], [true, []]);
    assertEquals(host.cgroupOf(pid), host.newCgroup);
    await assertOutside(host);
    await assertUndone(host, cgroups);
  },
);

local("that forks is exempted with its children", "dante", async (host) => {
  const path = `${host.lab.directory}/danted.conf`;
  const options = {
    internal: "127.0.0.1",
    external: ["uplink"],
    users: "root and nobody",
  } as const;
  await Deno.writeTextFile(path, danteConfig(options));
  await host.start(["danted", "-f", path, "-N", "2"]);
  const cgroups = await cgroupsNow(host);
  const plan = host.plan();
  assert(plan.owner.processes.length > 2, "no children");
  host.apply(plan);
  await host.capture();
  await assertOutside(host);
  const after = await cgroupsNow(host);
  assertEquals(new Set(after.values()), new Set([host.newCgroup]));
  await assertUndone(host, cgroups);
});

local("keeps the connection that it had before", "ssh -D", async (host) => {
  await startSshd(host.lab, WEB);
  const { pid } = await host.start(sshDynamicCommand(host.lab, "127.0.0.1:1080", WEB));
  const cgroups = await cgroupsNow(host);
  const { sockets } = host.apply(host.plan());
  assert(sockets.marked >= 2, "the listener and the connection");
  await host.capture();
  await assertOutside(host, WEB);
  assertEquals(host.cgroupOf(pid), host.newCgroup);
  await assertUndone(host, cgroups);
});

local("that is a service is exempted by its own cgroup", "microsocks", async (host) => {
  await using cgroup = new TestCgroup();
  const { pid } = await host.start(MICROSOCKS, (command) => cgroup.within(command));
  const plan = host.plan();
  assertEquals(plan.exemption.kind, "cgroup");
  const { cgroup: match } = host.apply(plan);
  assertEquals(match?.path, cgroup.path);
  assertEquals(match?.id, host.diag.listener(host.end)?.cgroup);
  await host.capture();
  await assertOutside(host);
  await assertUndone(host, new Map([[pid, cgroup.path]]));
  assertEquals(host.cgroupOf(pid), cgroup.path);
});

local("with a user of its own is exempted by a rule for that", "microsocks", async (host) => {
  const user = ["setpriv", `--reuid=${SERVICE_USER}`, `--regid=${SERVICE_USER}`, "--clear-groups"];
  const { pid } = await host.start([...user, ...MICROSOCKS]);
  const plan = host.plan();
  assertEquals(plan.exemption.kind, "user");
  host.apply(plan);
  await host.capture();
  await host.lab.client.ip(
    `rule add pref 7999 uidrange ${SERVICE_USER}-${SERVICE_USER} lookup main`,
  );
  await assertOutside(host);
  await assertUndone(host, new Map([[pid, host.cgroupOf(pid)]]));
});

local("that is restarted is exempted again", "microsocks", async (host) => {
  const first = await host.start(MICROSOCKS);
  await host.capture();
  const guard = host.guard(100);
  assertEquals(guard.start(0).kind, "exempted");
  await assertOutside(host);
  assertEquals(guard.tick(100), undefined);
  await first.kill();
  assertEquals(guard.tick(200)?.kind, "gone");
  const second = await host.start(MICROSOCKS);
  const cgroups = await cgroupsNow(host);
  assertEquals(guard.tick(250), undefined);
  guard.connectFailed(250);
  assertEquals(guard.tick(250)?.kind, "exempted");
  assertEquals(host.cgroupOf(second.pid), host.newCgroup);
  await assertOutside(host);
  await assertUndone(host, cgroups);
});

local("that was on its way into the tunnel starts anew", "microsocks", async (host) => {
  await host.start(MICROSOCKS);
  const plan = host.plan();
  await host.capture();
  const client = host.fetch();
  await eventually("the proxy's connection", () => connectionOf(host));
  assertEquals(host.apply(plan).ended, 1);
  assertEquals(await client, undefined);
  assertEquals(connectionOf(host), undefined);
  await assertOutside(host);
});

local("that loops is named, with the process and the destination", "microsocks", async (host) => {
  const { pid } = await host.start(MICROSOCKS);
  const { owner } = host.plan();
  await host.capture();
  const dog = new LoopWatchdog({
    socketOf: (flow) => socketOfFlow(host.diag, flow),
    ownerOf: (inode) => holdersOf(new Set([inode]), owner.processes)[0],
    intervalMs: 1000,
  });
  const client = host.fetch(2);
  const destination = { address: parseAddress(WEB)!, port: 80 };
  const source = await eventually(
    "the proxy's connection",
    () => host.diag.sockets("tcp").find(({ remote }) => remote.port === 80)?.local,
  );
  const report = dog.look({ protocol: "tcp", source, destination }, 1000);
  assertEquals([report?.process.pid, report?.process.name], [pid, "microsocks"]);
  assert(report?.message.includes(`${WEB}:80`));
  await client;
});

/** Where the proxy's connection to the web server begins. */
function connectionOf({ diag }: LocalProxy): SocketEnd | undefined {
  return diag.sockets("tcp").find(({ remote, inode }) => remote.port === 80 && inode !== 0)?.local;
}
