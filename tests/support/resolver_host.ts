/**
 * A host with a resolver: a temporary directory in front of every path, and programs that are made for
 * the test. None of the real ones is asked.
 */

import { realDisk } from "../../src/host/disk.ts";
import { basicKinds } from "../../src/host/changes/kinds.ts";
import type { ChangeKinds } from "../../src/host/change.ts";
import { type RunCommand, runCommand } from "../../src/host/changes/run_command.ts";
import { Journal } from "../../src/host/journal.ts";
import { recoverJournals, type RecoverReport } from "../../src/host/recover.ts";
import { HostResolver } from "../../src/host/resolver/resolver.ts";
import { Transaction } from "../../src/host/transaction.ts";
import { FakeMachine, KeptLog } from "./fake_host.ts";

export const SERVERS = ["198.18.0.2", "fd7a:7475:6e00::2"];

export class ResolverHost implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "ztun-resolver-" });
  readonly machine = new FakeMachine();
  readonly log = new KeptLog();
  readonly disk = realDisk;
  /** What was run, without the directory. */
  readonly calls: string[] = [];

  constructor(conf?: string) {
    for (const path of ["etc", "run", "bin", "state"]) Deno.mkdirSync(`${this.root}/${path}`);
    if (conf !== undefined) this.conf = conf;
  }

  readonly run: RunCommand = async ([name, ...args], input) => {
    const program = `${this.root}/bin/${name}`;
    if (realDisk.look(program) === undefined) return { code: 127, stdout: "", stderr: "" };
    this.calls.push([name, ...args].join(" "));
    return await runCommand(["env", `STATE=${this.root}/state`, program, ...args], input);
  };

  /** A shell script in place of a program; `$STATE` is a directory of its own. */
  program(name: string, script: string): void {
    Deno.writeTextFileSync(`${this.root}/bin/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  mkdir(path: string): void {
    Deno.mkdirSync(`${this.root}/${path}`, { recursive: true });
  }

  get conf(): string {
    return Deno.readTextFileSync(`${this.root}/etc/resolv.conf`);
  }

  /** As most programs write it: another file, renamed. */
  set conf(text: string) {
    Deno.writeTextFileSync(`${this.root}/etc/new`, text);
    Deno.renameSync(`${this.root}/etc/new`, `${this.root}/etc/resolv.conf`);
  }

  kinds(): ChangeKinds {
    return basicKinds({ disk: this.disk, run: this.run });
  }

  begin(): Transaction {
    const { disk, machine, log } = this;
    const openJournal = () => Journal.create(disk, machine, [`${this.root}/journals`], "ztun0");
    return new Transaction({ kinds: this.kinds(), log, openJournal });
  }

  point(transaction: Transaction): Promise<HostResolver> {
    return HostResolver.point({
      host: this,
      transaction,
      device: "ztun0",
      servers: SERVERS,
      log: this.log,
    });
  }

  /** What the next `up` does after the process that made the changes has died. */
  recover(): Promise<RecoverReport> {
    this.machine.alive.delete(this.machine.pid);
    const { disk, machine, log } = this;
    const kinds = this.kinds();
    return recoverJournals({ disk, machine, directories: [`${this.root}/journals`], kinds, log });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

/** Remembers what it is told for a device, and answers as the real one does. */
export const RESOLVECTL = `
verb=$1 device=$2; shift
if [ "$verb" = revert ]; then rm -f "$STATE"/*."$device"; exit; fi
if [ $# -eq 0 ]; then exit; fi
shift
if [ $# -gt 0 ]; then echo "$*" >"$STATE/$verb.$device"
else echo "Link 7 ($device): $(cat "$STATE/$verb.$device" 2>/dev/null)"; fi
`;

/** NetworkManager that runs, and counts its reloads. */
export const NMCLI = `
case "$*" in
  "-t -f RUNNING general") echo running ;;
  "general reload conf") echo x >>"$STATE/reloads" ;;
  *) exit 2 ;;
esac
`;
