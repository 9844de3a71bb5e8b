/** A host that systemd has started, in a temporary directory, with a `systemctl` that remembers. */

import type { RunCommand } from "../../src/host/changes/run_command.ts";
import { realDisk } from "../../src/host/disk.ts";
import type { ServiceHost } from "../../src/host/service/install.ts";
import { KeptLog } from "./fake_host.ts";

export class SystemdHost implements ServiceHost, Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "ztun-systemd-" });
  readonly disk = realDisk;
  readonly log = new KeptLog();
  /** What was run, and for `daemon-reload` whether the unit was there. */
  readonly calls: string[] = [];
  /** The verbs of `systemctl` that fail. */
  readonly failing = new Set<string>();

  constructor(booted = true) {
    for (const path of ["etc/systemd/system", "usr/lib/systemd/system"]) this.#mkdir(path);
    if (booted) this.#mkdir("run/systemd/system");
  }

  readonly run: RunCommand = (command) => {
    const [program, verb = ""] = command;
    this.calls.push(command.join(" "));
    const fails = program !== "systemctl" || this.failing.has(verb);
    const stderr = fails ? `Failed to ${verb} unit\n` : "";
    return Promise.resolve({ code: fails ? 1 : 0, stdout: "", stderr });
  };

  /** All of /etc/systemd/system. */
  get units(): string[] {
    return realDisk.list(this.path("etc/systemd/system"));
  }

  path(name: string): string {
    return `${this.root}/${name}`;
  }

  read(name: string): string {
    return Deno.readTextFileSync(this.path(name));
  }

  write(name: string, text: string): void {
    Deno.writeTextFileSync(this.path(name), text);
  }

  #mkdir(path: string): void {
    Deno.mkdirSync(this.path(path), { recursive: true });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}
