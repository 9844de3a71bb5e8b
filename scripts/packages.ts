/**
 * The Debian packages that the end-to-end tests need: which are missing, and their installation without
 * starting a single service.
 */

import { print } from "./source_text.ts";

/** Each package, and the command whose absence says that it is missing. */
export const PACKAGES: Readonly<Record<string, string>> = {
  "curl": "curl",
  "dante-server": "danted",
  "dnsmasq-base": "dnsmasq",
  "dnsutils": "dig",
  "iperf3": "iperf3",
  "iproute2": "ip",
  "iputils-ping": "ping",
  "microsocks": "microsocks",
  "netcat-openbsd": "nc.openbsd",
  "nftables": "nft",
  "nginx-light": "nginx",
  "openssl": "openssl",
  "openssh-client": "ssh",
  "openssh-server": "sshd",
  "procps": "ps",
  "proxychains4": "proxychains4",
  "socat": "socat",
  "tcpdump": "tcpdump",
  "util-linux": "setpriv",
  "wrk": "wrk",
};

/** Services live in sbin, which an ordinary user's PATH leaves out. */
const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

const POLICY = "/usr/sbin/policy-rc.d";
const NO_SERVICE = "#!/bin/sh\nexit 101\n";

/** The packages of which the command cannot be found. */
export function missingPackages(exists: (path: string) => boolean = fileExists): string[] {
  return Object.entries(PACKAGES)
    .filter(([, command]) => !FOLDERS.some((folder) => exists(`${folder}/${command}`)))
    .map(([name]) => name);
}

function fileExists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Installs what is missing; throws an error that says what to do where that cannot be done here. */
export async function ensurePackages(): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (!fileExists("/usr/bin/apt-get")) {
    throw new Error(`Cannot install ${missing.join(", ")}: this system has no apt-get`);
  }
  print(`installing ${missing.join(", ")}`);
  await withoutServices(async () => {
    await apt(["update", "-qq"]);
    await apt(["install", "-y", "-qq", "--no-install-recommends", ...missing]);
  });
  const still = missingPackages();
  if (still.length > 0) throw new Error(`Cannot find the commands of ${still.join(", ")}`);
}

async function apt(args: string[]): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command("apt-get", {
    args,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (code === 0) return;
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  throw new Error(`apt-get ${args[0]} failed with status ${code}:\n${said}`);
}

/** Debian starts a service when its package is installed, unless this file forbids it. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const before = fileExists(POLICY) ? await Deno.readFile(POLICY) : undefined;
  const mode = before === undefined ? undefined : (await Deno.stat(POLICY)).mode;
  await Deno.writeTextFile(POLICY, NO_SERVICE);
  await Deno.chmod(POLICY, 0o755);
  try {
    await work();
  } finally {
    if (before === undefined) await Deno.remove(POLICY);
    else {
      await Deno.writeFile(POLICY, before);
      await Deno.chmod(POLICY, mode! & 0o7777);
    }
  }
}
