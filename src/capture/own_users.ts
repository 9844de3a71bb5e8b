/** Users whose programs are for the tunnel, although the proxy may run as one of them. */

import type { PathEnvironment } from "../control/socket_path.ts";

/** Root, whoever runs ztun, and who called `sudo`. */
export function ownUsers(environment: PathEnvironment): number[] {
  return [...new Set([0, environment.uid() ?? 0, Number(environment.env("SUDO_UID") ?? "0")])];
}
