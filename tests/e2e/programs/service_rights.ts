/**
 * Does once, and undoes, each kind of thing for which `up` needs a right; prints what it has done. To be run
 * with the rights of the service, beside another user's proxy on port 1080, in namespaces of its own.
 */

import {
  attachCgroupMark,
  detachCgroupMark,
  hasCgroupMark,
} from "../../../ffi/cgroup_mark_linux.ts";
import { platform } from "../../../ffi/mod.ts";
import { NftablesSocket } from "../../../ffi/nftables_linux.ts";
import { SockDiag } from "../../../ffi/sock_diag_linux.ts";
import { putFile } from "../../../src/host/changes/put_file.ts";
import { realDisk } from "../../../src/host/disk.ts";
import { compileTable } from "../../../src/host/firewall/compile.ts";
import {
  makeCgroup,
  moveBack,
  type MovedProcesses,
  moveToCgroup,
  removeCgroup,
} from "../../../src/host/owner/cgroup_move.ts";
import { cgroup2Of } from "../../../src/host/owner/cgroup_mount.ts";
import { findOwner } from "../../../src/host/owner/find_owner.ts";
import { markSockets } from "../../../src/host/owner/mark_sockets.ts";
import { type ProcessInfo, readProcess } from "../../../src/host/owner/process_table.ts";
import { eventually } from "../../support/eventually.ts";

const MARK = 0x8a11ce02;

function done(what: string, holds: boolean): void {
  if (!holds) throw new Error(`Not done: ${what}`);
  Deno.stdout.writeSync(new TextEncoder().encode(`${what}\n`));
}

function network(): void {
  const [device] = platform.openTunQueues({ name: "", offload: "auto" }, 1);
  done("device", device!.name !== "");
  const routes = platform.openRouteSocket();
  routes.addRule({ family: 4, priority: 1000, table: 51_820, mark: MARK });
  done("rule", routes.rules().some(({ priority }) => priority === 1000));
  routes.close();
  const nftables = new NftablesSocket();
  const name = "ztun-service";
  nftables.replaceTables([compileTable({ name, counters: [], sets: [], chains: [] })]);
  done("firewall", true);
  Deno.writeTextFileSync("/proc/sys/net/ipv4/conf/lo/rp_filter", "2");
  done("setting", true);
  device!.close();
}

async function proxy(): Promise<void> {
  const end = { address: Uint8Array.of(127, 0, 0, 1), port: 1080 };
  const owner = await eventually("a proxy", () => {
    const answer = findOwner(new SockDiag(), end);
    return answer.kind === "owner" ? answer.owner : undefined;
  });
  const [process] = owner.processes;
  done("proxy", process !== undefined);
  const { marked, failures } = markSockets(() => owner.processes, MARK, () => {});
  done("socket", marked === 1 && failures.length === 0);
  await cgroup(process!);
}

async function cgroup({ pid, cgroup: home }: ProcessInfo): Promise<void> {
  const { mount } = cgroup2Of(Deno.readTextFileSync("/proc/self/mounts"))!;
  const path = `/ztun-test-${crypto.randomUUID()}`;
  makeCgroup({ mount, path, home }, () => {});
  try {
    const moves: MovedProcesses[] = [];
    const keep = (change: unknown) => void moves.push(change as MovedProcesses);
    moveToCgroup({ mount, path, mark: MARK }, () => [readProcess(pid)!], keep);
    const there = readProcess(pid)!.cgroup === path;
    moves.forEach(moveBack);
    done("cgroup", there && readProcess(pid)!.cgroup === home);
    attachCgroupMark(mount + path, MARK);
    const marked = hasCgroupMark(mount + path, MARK);
    detachCgroupMark(mount + path, MARK);
    done("mark", marked && !hasCgroupMark(mount + path, MARK));
  } finally {
    await removeCgroup({ kind: "cgroup", mount, path, home });
  }
}

function file(): void {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/resolv.conf`;
  putFile(realDisk, path, new Uint8Array(1), { mode: 0o640, uid: 65_534, gid: 65_534 });
  const facts = realDisk.look(path)!;
  Deno.removeSync(folder, { recursive: true });
  done("file", facts.uid === 65_534 && facts.mode === 0o640);
}

network();
await proxy();
file();
