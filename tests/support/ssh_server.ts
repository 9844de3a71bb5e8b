/** OpenSSH on the server side of a stage, and the client that makes a SOCKS proxy of it. */

import { must, type Running } from "./process.ts";
import type { Stage } from "./stage.ts";

/** Starts sshd, with keys of its own that it shares with the client. */
export async function startSshd(stage: Stage, address: string): Promise<Running> {
  const directory = `${stage.directory}/ssh`;
  await Deno.mkdir(directory, { recursive: true });
  // sshd insists on this directory, which its start script would have made.
  await Deno.mkdir("/run/sshd", { recursive: true });
  for (const key of ["host", "user"]) {
    const path = `${directory}/${key}`;
    const exists = await Deno.stat(path).then(() => true, () => false);
    if (!exists) await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]);
  }
  await Deno.writeTextFile(
    `${directory}/sshd_config`,
    `ListenAddress ${address}:22
HostKey ${directory}/host
AuthorizedKeysFile ${directory}/user.pub
PidFile none
StrictModes no
UsePAM no
MaxSessions 1000
`,
  );
  const command = ["/usr/sbin/sshd", "-D", "-e", "-f", `${directory}/sshd_config`];
  return await stage.serve("sshd", command, address, 22);
}

/** `ssh -D LISTEN` to that server. */
export function sshDynamicCommand(stage: Stage, listen: string, address: string): string[] {
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
  return [
    ...["ssh", "-N", "-F", "none", "-i", `${stage.directory}/ssh/user`],
    ...options.flatMap((option) => ["-o", option]),
    ...["-D", listen, `root@${address}`],
  ];
}
