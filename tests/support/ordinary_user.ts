/**
 * ztun as an ordinary user runs it. The checkout, Deno and its cache may lie where only root may look:
 * copies of them are put where everybody may.
 */

import type { Lab } from "./lab.ts";
import { must } from "./process.ts";

const USER_ID = 64_998;
const DEVICE = "/dev/net/tun";
const ROOT = new URL("../../", import.meta.url).pathname;
/** The engine that this run is for. */
const asked = Deno.env.get("ZTUN_ENGINE");
const PARTS = ["main.ts", "deno.json", "deno.lock", "src", "ffi"];

export class OrdinaryUser {
  readonly #home: string;

  private constructor(home: string) {
    this.#home = home;
  }

  static async prepare(lab: Lab): Promise<OrdinaryUser> {
    const home = `${lab.directory}/home`;
    await Deno.mkdir(`${home}/cache`, { recursive: true });
    const { denoDir } = JSON.parse(await must([Deno.execPath(), "info", "--json"])) as {
      denoDir: string;
    };
    await must(["cp", "-r", ...PARTS.map((part) => ROOT + part), home]);
    await must(["cp", Deno.execPath(), `${home}/deno`]);
    await must(["cp", "-r", `${denoDir}/npm`, `${home}/cache`]);
    await must(["chown", "-R", String(USER_ID), home]);
    return new OrdinaryUser(home);
  }

  /** The command, run by this user. */
  command(command: readonly string[]): string[] {
    const user = ["setpriv", `--reuid=${USER_ID}`, `--regid=${USER_ID}`, "--clear-groups"];
    const variables = [
      `HOME=${this.#home}`,
      `DENO_DIR=${this.#home}/cache`,
      "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
      ...asked === undefined ? [] : [`ZTUN_ENGINE=${asked}`],
    ];
    return [...user, "env", "-i", ...variables, ...command];
  }

  /** `ztun` with these arguments, run by this user. */
  ztun(...args: string[]): string[] {
    const config = `--config=${this.#home}/deno.json`;
    return this.command([
      `${this.#home}/deno`,
      "run",
      "-A",
      "--no-check",
      config,
      `${this.#home}/main.ts`,
      ...args,
    ]);
  }
}

/** Gives the TUN device this mode until the lab ends. */
export async function setTunMode(lab: Lab, mode: number): Promise<void> {
  const before = (await Deno.stat(DEVICE)).mode!;
  lab.atEnd(() => Deno.chmod(DEVICE, before & 0o7777));
  await Deno.chmod(DEVICE, mode);
}
