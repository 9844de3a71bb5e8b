/** Proxies on the lab's own host, whose traffic would come back into the tunnel, and what each may send. */

import { danteConfig } from "./dante_config.ts";
import { eventually } from "./eventually.ts";
import { FAR_PROXY, type HostLab, PORT, RESOLVER, RESOLVER6, WEB, WEB6 } from "./host_lab.ts";
import { asUser, inCgroup } from "./host_namespace.ts";
import type { Running } from "./process.ts";
import { sshDynamicCommand, startSshd } from "./ssh_server.ts";
import { type Allowed, to, upkeep } from "./uplink_judge.ts";

/** Of the numbers that systemd gives to services. */
const SERVICE_USER = 64_996;
const HOST = "127.0.0.1";

/** What leaves with `ssh -D`: nothing but its one connection. */
export const SSH_FLOW: readonly Allowed[] = [upkeep, to("tcp", FAR_PROXY, 22)];

/** What a proxy sends itself, by TCP: for a page, and names where it relays no UDP. */
export const TCP_FLOWS: readonly Allowed[] = [
  upkeep,
  ...[WEB, WEB6].map((web) => to("tcp", web, 80)),
  ...[RESOLVER, RESOLVER6].map((resolver) => to("tcp", resolver, 53)),
];

export const UDP_FLOWS: readonly Allowed[] = [
  ...[WEB, WEB6].map((web) => to("udp", web, 7007)),
  ...[RESOLVER, RESOLVER6].map((resolver) => to("udp", resolver, 53)),
];

/** Waits for the listener without a connection to it: one to find out would be carried on. */
async function start(lab: HostLab, name: string, command: readonly string[]): Promise<Running> {
  const running = lab.start(name, lab.host, command);
  await eventually(`${name} to listen`, async () => {
    if (!running.alive) throw new Error(running.log);
    return (await lab.host.must(["ss", "-Hltn"])).includes(`${HOST}:${PORT} `) || undefined;
  });
  return running;
}

export async function startLocalSsh(lab: HostLab): Promise<Running> {
  await startSshd(lab, FAR_PROXY);
  return await start(lab, "ssh -D", sshDynamicCommand(lab, `${HOST}:${PORT}`, FAR_PROXY));
}

/** Started by hand, in everybody's control group and as everybody's user. */
export function startLocalMicrosocks(lab: HostLab): Promise<Running> {
  return start(lab, "microsocks", ["microsocks", "-i", HOST, "-p", String(PORT)]);
}

/** As systemd starts a service: a user and a control group of its own. */
export async function startDanteService(lab: HostLab): Promise<Running> {
  const path = `${lab.directory}/danted.conf`;
  await Deno.writeTextFile(path, danteConfig({ internal: HOST, external: ["uplink"] }));
  const group = "/system.slice/danted.service";
  await lab.host.makeCgroup(group);
  const command = asUser(SERVICE_USER, ["danted", "-f", path, "-N", "2"]);
  return await start(lab, "dante", inCgroup(group, command));
}

/** No proxy itself, but the way to one: as stunnel and `ssh -L` are. */
export async function startForwarder(lab: HostLab): Promise<Running> {
  await lab.farProxy();
  const listen = `TCP4-LISTEN:${PORT},bind=${HOST},fork,reuseaddr`;
  return await start(lab, "socat", ["socat", listen, `TCP4:${FAR_PROXY}:${PORT}`]);
}
