/**
 * A network namespace with what a host has besides: /etc, /run and /var/lib of its own, and a hierarchy of
 * control groups in which the root is this host's. Nothing that a program does in there reaches the
 * machine.
 *
 * One process holds all that. Others join it, and begin in the root of the control groups.
 */

import { Running } from "./process.ts";
import { Namespace, type Stage } from "./stage.ts";
import { TestCgroup } from "./test_cgroup.ts";

const FURNISH = `set -e
mkdir "$1/etc"
cp -a /etc/. "$1/etc"
mount --bind "$1/etc" /etc
for place in /run /var/lib; do mount -t tmpfs -o mode=755 none $place; done
mount -t cgroup2 none /sys/fs/cgroup
mkdir /run/sshd
echo furnished
exec sleep infinity`;

/** Deno asks by itself whether there is a newer one of it: not what these tests are about. */
const JOIN = `export DENO_NO_UPDATE_CHECK=1
echo $$ > "/sys/fs/cgroup$0/cgroup.procs" && exec "$@"`;

/** The command in a control group of the host, which must be there. */
export function inCgroup(path: string, command: readonly string[]): string[] {
  return ["sh", "-c", JOIN, path, ...command];
}

/** The command as another user, who has no groups. */
export function asUser(user: number, command: readonly string[]): string[] {
  const ids = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  return ["setpriv", ...ids, ...command];
}

export class HostNamespace extends Namespace implements AsyncDisposable {
  readonly #cgroup = new TestCgroup();
  readonly #stage: Stage;
  #holder: Running | undefined;

  constructor(name: string, stage: Stage) {
    super(name);
    this.#stage = stage;
  }

  /** To be called once, when the namespace is there. */
  async furnish(): Promise<void> {
    const { directory } = this.#stage;
    const plain = new Namespace(this.name);
    const furnish = plain.within(["sh", "-c", FURNISH, "sh", directory]);
    const script = `echo $$ > ${this.#cgroup.directory}/cgroup.procs && exec "$@"`;
    const command = ["sh", "-c", script, "sh", "unshare", "--cgroup", ...furnish];
    const holder = this.#stage.keep(new Running("the host's files", command));
    await holder.logged(/furnished/);
    this.#holder = holder;
  }

  override within(command: readonly string[]): string[] {
    const join = ["nsenter", "-t", String(this.#holder!.pid), "--net", "--mount", "--cgroup"];
    return [...join, ...inCgroup("/", command)];
  }

  async makeCgroup(path: string): Promise<void> {
    await this.must(["mkdir", "-p", `/sys/fs/cgroup${path}`]);
  }

  /** Where a file of this host is for everybody else. */
  outside(path: string): string {
    return `/proc/${this.#holder!.pid}/root${path}`;
  }

  /** After the programs of the host have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cgroup[Symbol.asyncDispose]();
  }
}
