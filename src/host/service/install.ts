/**
 * The unit, given to systemd and taken away again. A unit that somebody else has written, or altered, is
 * left to them.
 */

import { Exit, UserError } from "../../errors.ts";
import { quote } from "../change.ts";
import { putFile } from "../changes/put_file.ts";
import type { RunCommand } from "../changes/run_command.ts";
import { type Disk, parentOf, syncDirectory } from "../disk.ts";
import type { HostLog } from "../step.ts";
import { ownerOf } from "./unit_mark.ts";

export interface ServiceHost {
  readonly disk: Disk;
  /** Must have the patience for a service to start. */
  readonly run: RunCommand;
  /** In front of every path; empty on a real host. */
  readonly root: string;
  readonly log: HostLog;
}

const UNITS = "/etc/systemd/system";
/** A unit of the same name there would be hidden by ours. */
const UNITS_OF_OTHERS = [
  "/run/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
];
/** Is there exactly when systemd has started the system (`man 3 sd_booted`). */
const BOOTED = "/run/systemd/system";

export function unitPath(name: string): string {
  return `${UNITS}/${name}.service`;
}

export interface InstallOptions {
  readonly name: string;
  /** With its mark. */
  readonly unit: string;
  /** Else only at the next boot. */
  readonly start: boolean;
}

/** Also in the place of an older one; a service that runs is started anew, with the new unit. */
export async function installService(host: ServiceHost, options: InstallOptions): Promise<void> {
  const { name, unit, start } = options;
  requireSystemd(host);
  await requireFree(host, name);
  writeUnit(host, name, unit);
  await systemctl(host, "daemon-reload");
  await systemctl(host, "enable", `${name}.service`);
  if (start) await startService(host, name);
}

/** False when there is none. */
export async function removeService(host: ServiceHost, name: string): Promise<boolean> {
  requireSystemd(host);
  const owner = await readOwner(host, name);
  if (owner === undefined) return false;
  if (owner !== "ztun") throw notOurs(owner, name);
  await systemctl(host, "disable", "--now", `${name}.service`);
  const path = `${host.root}${unitPath(name)}`;
  host.log.debug(`[#] rm ${quote(path)}`);
  host.disk.remove(path);
  syncDirectory(host.disk, parentOf(path));
  await systemctl(host, "daemon-reload");
  return true;
}

function requireSystemd({ disk, root }: ServiceHost): void {
  if (disk.look(`${root}${BOOTED}`) !== undefined) return;
  throw new UserError("This system was not started by systemd, and ztun knows no other services", {
    hint: "Let what starts the services here run `ztun up`; SIGTERM stops it",
  });
}

async function requireFree(host: ServiceHost, name: string): Promise<void> {
  const { disk, root } = host;
  const folder = UNITS_OF_OTHERS.find((folder) => {
    return disk.look(`${root}${folder}/${name}.service`) !== undefined;
  });
  if (folder !== undefined) {
    throw new UserError(`There is another service of that name: ${folder}/${name}.service`, {
      hint: "Say another one: --name ztun-2",
    });
  }
  const owner = await readOwner(host, name);
  if (owner !== undefined && owner !== "ztun") throw notOurs(owner, name);
}

async function readOwner({ disk, root }: ServiceHost, name: string) {
  const path = `${root}${unitPath(name)}`;
  const type = disk.look(path)?.type;
  if (type === undefined) return undefined;
  // A link is a name for a unit of somebody else, or forbids it (`systemctl mask`).
  return type === "file" ? await ownerOf(new TextDecoder().decode(disk.read(path))) : "other";
}

function notOurs(owner: "altered" | "other", name: string): UserError {
  const path = unitPath(name);
  if (owner === "other") {
    return new UserError(`${path} is not of ztun's making, and stays as it is`, {
      hint: "Say another name: --name ztun-2",
    });
  }
  return new UserError(`${path} has been altered since ztun wrote it, and stays as it is`, {
    hint: `\`sudo systemctl disable --now ${name}; sudo rm ${path}\` takes it away; ` +
      `\`sudo systemctl edit ${name}\` keeps changes in a file of their own`,
  });
}

function writeUnit({ disk, root, log }: ServiceHost, name: string, unit: string): void {
  const path = `${root}${unitPath(name)}`;
  log.debug(`[#] ztun service show ... >${quote(path)}`);
  try {
    putFile(disk, path, new TextEncoder().encode(unit), {
      mode: 0o644,
      uid: undefined,
      gid: undefined,
    });
  } catch (cause) {
    throw new UserError(`Cannot write ${path}`, { cause });
  }
}

async function startService(host: ServiceHost, name: string): Promise<void> {
  try {
    await systemctl(host, "restart", `${name}.service`);
  } catch (cause) {
    throw new UserError("The service is installed, but it has not started", {
      cause,
      hint: `\`journalctl -u ${name} -n 20\` says why; ` +
        `\`sudo ztun service remove --name ${name}\` takes it away`,
    });
  }
}

async function systemctl({ run, log }: ServiceHost, ...args: string[]): Promise<void> {
  const command = ["systemctl", ...args];
  const shown = command.map(quote).join(" ");
  log.debug(`[#] ${shown}`);
  const { code, stdout, stderr } = await run(command);
  if (code === 0) return;
  const cause = new Error(stderr.trim() || stdout.trim() || `it ended with ${code}`);
  throw new UserError(`Cannot \`${shown}\``, { cause, exitCode: Exit.Failed });
}
