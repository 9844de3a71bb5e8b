/** Split tunnelling by who sends: users, control groups, programs. */

import { assert, assertEquals } from "@std/assert";
import { type Case, hostE2e } from "../support/e2e.ts";
import { eventually } from "../support/eventually.ts";
import { type HostLab, RESOLVER, RESOLVER6, WEB, WEB6 } from "../support/host_lab.ts";
import { asUser, inCgroup } from "../support/host_namespace.ts";
import { assertAsBefore, snapshot } from "../support/host_snapshot.ts";
import { asks, echoes, REMOTE, WholeHost } from "../support/whole_host.ts";
import type { Finished, RunOptions } from "../support/process.ts";
import { run } from "../support/process.ts";
import { Namespace } from "../support/stage.ts";

const SERVER = "ztun socks";
const ALICE = 4_101;

/** The host, for whom every command is put into something else. */
class Sender extends Namespace {
  readonly #host: Namespace;
  readonly #around: (command: readonly string[]) => string[];

  constructor(host: Namespace, around: (command: readonly string[]) => string[]) {
    super(host.name);
    this.#host = host;
    this.#around = around;
  }

  override run(command: readonly string[], options?: RunOptions): Promise<Finished> {
    return run(this.#host.within(this.#around(command)), options);
  }
}

async function open({ lab }: Case<HostLab>): Promise<HostLab> {
  await lab.openInternet();
  await lab.farProxy();
  // Its names resolve outside too, when it is nobody's business to point them into the tunnel.
  await lab.resolvConf(`nameserver ${RESOLVER}\nnameserver ${RESOLVER6}\n`);
  return lab;
}

async function assertInside(sender: Namespace, who: string): Promise<void> {
  assertEquals(await asks(sender, WEB), WEB, `${who}, IPv4`);
  assertEquals(await asks(sender, WEB6), WEB6, `${who}, IPv6`);
  assert([WEB, WEB6].includes(await asks(sender, "web.test")), `${who}, by name`);
  assertEquals(await echoes(sender, WEB), true, `${who}, UDP`);
}

async function assertOutside(lab: HostLab, sender: Namespace, who: string): Promise<void> {
  const { address, address6 } = lab.uplinks[0]!;
  assertEquals(await asks(sender, WEB), address, `${who}, IPv4`);
  assertEquals(await asks(sender, WEB6), address6, `${who}, IPv6`);
  assert([address, address6].includes(await asks(sender, "web.test")), `${who}, by name`);
  assertEquals(await echoes(sender, WEB), true, `${who}, UDP`);
}

for (const [flag, strict] of [["only", ""], ["except", ""], ["except", "--strict"]] as const) {
  const strictly = strict === "" ? [] : [strict];
  hostE2e(`--${flag}-user ${strict} splits by user`, SERVER, async (it) => {
    const lab = await open(it);
    const before = await snapshot(lab.host);
    const alice = new Sender(lab.host, (command) => asUser(ALICE, command));
    const host = await WholeHost.up(lab, ...REMOTE, `--${flag}-user`, String(ALICE), ...strictly);
    const [inside, outside] = flag === "only" ? [alice, lab.host] : [lab.host, alice];
    await assertInside(inside, "inside");
    await assertOutside(lab, outside, "outside");
    await host.stop();
    await assertAsBefore(lab.host, before);
  });

  hostE2e(`--${flag}-cgroup ${strict} splits by control group`, SERVER, async (it) => {
    const lab = await open(it);
    const group = "/apps.slice/one.scope";
    await lab.host.makeCgroup(group);
    const before = await snapshot(lab.host);
    const member = new Sender(lab.host, (command) => inCgroup(group, command));
    const host = await WholeHost.up(lab, ...REMOTE, `--${flag}-cgroup`, "apps.slice", ...strictly);
    const [inside, outside] = flag === "only" ? [member, lab.host] : [lab.host, member];
    await assertInside(inside, "inside");
    await assertOutside(lab, outside, "outside");
    await host.stop();
    await assertAsBefore(lab.host, before);
  });
}

hostE2e("--except-process leaves a program outside, its children too", SERVER, async (it) => {
  const lab = await open(it);
  const program = `${lab.directory}/outsider`;
  await Deno.copyFile("/bin/bash", program);
  await Deno.chmod(program, 0o755);
  const script = `while sleep 0.1; do curl -sS --max-time 5 http://${WEB}/from; done`;
  const early = lab.start("outsider", lab.host, [program, "-c", script]);
  const before = await snapshot(lab.host);
  const host = await WholeHost.up(lab, ...REMOTE, "--except-process", "outsider");
  const late = lab.start("outsider", lab.host, [program, "-c", script]);
  for (const each of [early, late]) {
    await eventually("it to leave outside", () => {
      return each.log.trimEnd().endsWith(lab.uplinks[0]!.address) || undefined;
    });
  }
  await assertInside(lab.host, "everybody else");
  await host.stop();
  for (const each of [early, late]) await each.kill();
  await assertAsBefore(lab.host, before);
});
