/**
 * Whether this user may have namespaces, how `unshare` is to be asked for them, and what helps if not.
 *
 * An ordinary user gets them together with a user namespace, in which he keeps his own name. Root does
 * without: there is room for one user only in a namespace made that simply, and the files and the
 * setuid programs of all others would be out of root's reach.
 */

import { Exit, UserError } from "../errors.ts";

const CAP_NET_ADMIN = 1n << 12n;
const CAP_SYS_ADMIN = 1n << 21n;

/** Arguments for `unshare`, up to and including the "--" that the command follows. */
export function unshareArguments(privileged: boolean): string[] {
  const user = privileged ? [] : ["--user", "--map-current-user", "--keep-caps"];
  return [...user, "--net", "--mount", "--propagation", "private", "--"];
}

/** True for a root who has what making namespaces and a TUN takes; root in a container may not. */
export function isPrivileged(uid: number | null, processStatus: string): boolean {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(processStatus)?.[1];
  if (uid !== 0 || capabilities === undefined) return false;
  const needed = CAP_NET_ADMIN | CAP_SYS_ADMIN;
  return (BigInt(`0x${capabilities}`) & needed) === needed;
}

/** Makes namespaces once for nothing, so that the one that counts can leave stderr to the command. */
export async function requireUnshare(options: readonly string[]): Promise<void> {
  const result = await tryUnshare(options);
  if (result.success) return;
  const words = new TextDecoder().decode(result.stderr).trim();
  throw new UserError("Cannot make a network namespace for the command", {
    cause: new Error(words === "" ? `unshare ended with ${result.code}` : words),
    exitCode: Exit.Permission,
    hint: namespaceHint(readSetting),
  });
}

async function tryUnshare(options: readonly string[]): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command("unshare", {
      args: [...options, "true"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new UserError("Cannot find the program `unshare`", {
      cause,
      hint: "`sudo apt install util-linux`",
    });
  }
}

/** Settings that forbid namespaces: name, the value that does, and one that allows them. */
const FORBIDDING = [
  { name: "kernel.unprivileged_userns_clone", forbids: "0", allows: "1" },
  { name: "kernel.apparmor_restrict_unprivileged_userns", forbids: "1", allows: "0" },
  { name: "user.max_user_namespaces", forbids: "0", allows: "15000" },
  { name: "user.max_net_namespaces", forbids: "0", allows: "15000" },
  { name: "user.max_mnt_namespaces", forbids: "0", allows: "15000" },
];

/** The command that allows what was refused; `read` gives a kernel setting, if there is one. */
export function namespaceHint(read: (name: string) => string | undefined): string {
  for (const { name, forbids, allows } of FORBIDDING) {
    if (read(name) === forbids) return `\`sudo sysctl -w ${name}=${allows}\``;
  }
  return "Run the same command as root, with `sudo` in front; " +
    "in a container, start it with `--cap-add SYS_ADMIN --cap-add NET_ADMIN`";
}

function readSetting(name: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/sys/${name.replaceAll(".", "/")}`).trim();
  } catch {
    return undefined;
  }
}
