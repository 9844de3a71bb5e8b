/** The SOCKS5 servers that the tunnel is tested against, each on the server side of the lab. */

import { danteConfig } from "./dante_config.ts";
import { type Lab, PROXY, PROXY6, PROXY_PORT } from "./lab.ts";
import { must, type Running } from "./process.ts";
import { sshDynamicCommand, startSshd } from "./ssh_server.ts";
import { nofile, ztun } from "./ztun.ts";

export const USER = "tester";
export const PASSWORD = "correct horse";

export interface Proxy {
  name: string;
  /** Whether it relays UDP. */
  udp: boolean;
  /** What the tunnel is told. */
  flags(lab: Lab): string[];
  /** Starts it; a second call after the first one died starts it again. */
  start(lab: Lab): Promise<Running>;
}

const PLAIN = ["--socks", `${PROXY}:${PROXY_PORT}`];

/** Our own server. */
export const ztunSocks: Proxy = {
  name: "ztun socks",
  udp: true,
  flags: () => PLAIN,
  start: (lab) => {
    const command = nofile(ztun("socks", "--listen", `${PROXY}:${PROXY_PORT}`));
    return lab.serve("ztun socks", command, PROXY, PROXY_PORT);
  },
};

export const dante: Proxy = {
  name: "dante",
  udp: true,
  flags: () => PLAIN,
  start: (lab) => startDante(lab, "none"),
};

/** Dante checks against the system's accounts: the password is that of one made for the lab. */
export const danteWithPassword: Proxy = {
  name: "dante, password",
  udp: true,
  flags: (lab) => ["--user", USER, "--password-file", passwordFile(lab), ...PLAIN],
  start: async (lab) => {
    await isolateAccounts(lab);
    return await startDante(lab, "username");
  },
};

export const microsocks: Proxy = {
  name: "microsocks",
  udp: false,
  flags: () => PLAIN,
  start: (lab) => {
    const command = ["microsocks", "-i", PROXY, "-p", String(PROXY_PORT)];
    return lab.serve("microsocks", nofile(command), PROXY, PROXY_PORT);
  },
};

export const sshDynamic: Proxy = {
  name: "ssh -D",
  udp: false,
  flags: () => PLAIN,
  start: startSsh,
};

export const PROXIES: readonly Proxy[] = [
  ztunSocks,
  dante,
  danteWithPassword,
  microsocks,
  sshDynamic,
];

function passwordFile(lab: Lab): string {
  const path = `${lab.directory}/password`;
  Deno.writeTextFileSync(path, `${PASSWORD}\n`, { mode: 0o600 });
  return path;
}

async function startDante(lab: Lab, method: "none" | "username"): Promise<Running> {
  const path = `${lab.directory}/danted.conf`;
  const external = [PROXY, PROXY6];
  const users = "root and nobody";
  await Deno.writeTextFile(path, danteConfig({ internal: PROXY, external, method, users }));
  const command = nofile(["danted", "-f", path, "-N", "2"]);
  const within = method === "none" ? command : withAccounts(lab, command);
  return await lab.serve(`dante (${method})`, within, PROXY, PROXY_PORT);
}

/** Copies of the account files with one account more; only what `withAccounts` runs sees them. */
async function isolateAccounts(lab: Lab): Promise<void> {
  const hash = (await must(["openssl", "passwd", "-6", "-stdin"], { input: PASSWORD })).trim();
  const passwd = await Deno.readTextFile("/etc/passwd");
  const shadow = await Deno.readTextFile("/etc/shadow");
  const entry = `${USER}:x:64999:65534::/nonexistent:/usr/sbin/nologin\n`;
  await Deno.writeTextFile(`${lab.directory}/passwd`, passwd + entry);
  await Deno.writeTextFile(`${lab.directory}/shadow`, `${shadow}${USER}:${hash}:1::::::\n`);
}

function withAccounts(lab: Lab, command: readonly string[]): string[] {
  const mounts = ["passwd", "shadow"].map((file) =>
    `mount --bind ${lab.directory}/${file} /etc/${file}`
  );
  return [
    "unshare",
    "--mount",
    "sh",
    "-c",
    `${mounts.join(" && ")} && exec "$@"`,
    "sh",
    ...command,
  ];
}

async function startSsh(lab: Lab): Promise<Running> {
  await startSshd(lab, PROXY);
  const command = sshDynamicCommand(lab, `${PROXY}:${PROXY_PORT}`, PROXY);
  return await lab.serve("ssh -D", command, PROXY, PROXY_PORT);
}
