/** Programs of the host that never stop trying, by every protocol. */

import { type HostLab, RESOLVER, WEB, WEB6 } from "./host_lab.ts";
import type { Running } from "./process.ts";
import { ECHO_PORT } from "./whole_host.ts";

export function chatter(lab: HostLab): Running {
  const script = `while true; do
    curl -s --max-time 1 -o /dev/null http://${WEB}/from
    curl -s --max-time 1 -o /dev/null http://[${WEB6}]/from
    dig +tries=1 +time=1 web.test > /dev/null
    dig +tries=1 +time=1 @${RESOLVER} web.test > /dev/null
    echo x | nc.openbsd -u -w 1 ${WEB} ${ECHO_PORT} > /dev/null
    ping -n -c 1 -W 1 ${WEB6} > /dev/null
    echo round
  done`;
  return lab.start("chatter", lab.host, ["bash", "-c", script]);
}

/** Waits until all of it has been tried so many times more. */
export async function rounds(chatter: Running, more: number): Promise<void> {
  const count = () => chatter.log.split("round").length - 1;
  await chatter.logged(new RegExp(`(round[^]*){${count() + more}}`), 60_000);
}
