/**
 * Command lines that run `exec_program.ts`, or another program, as root or as an ordinary user, on a /dev/net/tun with the
 * mode asked for. For root to use.
 *
 * All of it happens in a mount namespace of its own: the machine's device node, its accounts and its
 * files stay as they are, whatever goes wrong. Deno and the source tree are shown at places that the
 * user may read.
 */

export interface ExecLabOptions {
  readonly user: "root" | "ordinary";
  /** Mode of /dev/net/tun; distributions give it 0666. */
  readonly tunMode?: "0666" | "0600";
  /** Shell lines that root runs in the mount namespace beforehand; `$lab` is a directory in memory. */
  readonly prepare?: string;
  /** A command that the program runs under, as the user. */
  readonly under?: readonly string[];
  /** Another program of the tree than `exec_program.ts`. */
  readonly program?: string;
}

const ORDINARY_ID = "64123";

const SETUP = `
set -e
lab=$1 deno=$2 tree=$3 mode=$4
shift 4
mount -t tmpfs -o mode=0777 tmpfs "$lab"
mknod "$lab/tun" c 10 200
chmod "$mode" "$lab/tun"
mount --bind "$lab/tun" /dev/net/tun
touch "$lab/deno"
mount --bind "$deno" "$lab/deno"
mkdir "$lab/tree"
mount --bind "$tree" "$lab/tree"
export DENO_DIR="$lab/cache" HOME="$lab"
`;

/** The command line; `args` are the program's. The directory is left empty: remove it. */
export function execLabCommand(
  directory: string,
  args: readonly string[],
  options: ExecLabOptions,
): string[] {
  const tree = new URL("../..", import.meta.url).pathname;
  const identity = options.user === "root"
    ? []
    : ["setpriv", "--reuid", ORDINARY_ID, "--regid", ORDINARY_ID, "--clear-groups"];
  const deno = [`${directory}/deno`, "run", "-A", "--no-lock", "--no-check", "--quiet"];
  return [
    ...["unshare", "--mount", "--propagation", "private", "sh", "-c"],
    `${SETUP}\n${options.prepare ?? ""}\nexec "$@"`,
    ...["sh", directory, Deno.execPath(), tree, options.tunMode ?? "0666"],
    ...identity,
    ...options.under ?? [],
    ...deno,
    `${directory}/tree/${options.program ?? "tests/support/exec_program.ts"}`,
    ...args,
  ];
}
