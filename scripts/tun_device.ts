/** The device node that every TUN is opened through; some machines ship without it. */

const NODE = "/dev/net/tun";

/** Makes the node where it is missing. Says why when the kernel has no TUN. */
export async function ensureTunDevice(): Promise<void> {
  if (await opens()) return;
  await run("mkdir", "-p", "/dev/net");
  await run("mknod", "-m", "0600", NODE, "c", "10", "200");
  await run("modprobe", "tun");
  if (!await opens()) {
    throw new Error(
      `Cannot open ${NODE}: the kernel has no TUN driver, or this container hides it`,
    );
  }
}

async function opens(): Promise<boolean> {
  try {
    (await Deno.open(NODE, { read: true, write: true })).close();
    return true;
  } catch {
    return false;
  }
}

/** The commands may be missing or fail: what counts is whether the node opens afterwards. */
async function run(command: string, ...args: string[]): Promise<void> {
  try {
    await new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" })
      .output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
