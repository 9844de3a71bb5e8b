/** `ztun socks`: a SOCKS5 server. Everything it needs is in `input.settings.socks`, limits, timeouts. */

import { getLogger } from "../../log.ts";
import type { Command, CommandInput } from "../command.ts";

export const command: Command = {
  name: "socks",
  summary: "Serve SOCKS5: CONNECT and UDP ASSOCIATE, from this host's network",
  usage: ["socks [flags]"],
  settings: ["server", "limits", "timeouts"],
  flags: [],
  positionals: [],
  examples: [
    {
      command: "ztun socks",
      meaning: "For programs on this machine, on 127.0.0.1:1080",
    },
    {
      command: "ztun socks --listen [::]:1080 --user alice --password-file key",
      meaning: "For other machines, who must sign in",
    },
    {
      command: "ztun socks --listen 127.0.0.1:0 --no-udp",
      meaning: "On a free port, which it prints, and TCP only",
    },
  ],
  details: [
    "Names, IPv4 and IPv6; half-closed connections, idle limits, bounds. It is what `ztun exec` and " +
    "`ztun up` can use on the far machine.",
  ],
  run,
};

async function run({ settings, environment }: CommandInput): Promise<number> {
  const [{ runSocks }, { descriptorLimit, fitLimits }, { resetConnection }] = await Promise.all([
    import("../../socks_server/run.ts"),
    import("../../socks_server/descriptors.ts"),
    import("../../engine/reset.ts"),
  ]);
  const { listen, user, password, udp } = settings.socks;
  const { limits, timeouts } = settings;
  const log = getLogger(["ztun", "socks"]);
  return await runSocks({
    listen: { hostname: listen.host, port: listen.port },
    credentials: user === undefined || password === undefined ? undefined : { user, password },
    udp,
    limits: {
      ...fitLimits(
        { connections: limits.tcpFlows, associations: limits.udpAssociations },
        descriptorLimit(),
      ),
      idle: timeouts.tcpIdle,
      halfClosed: timeouts.tcpHalfClosed,
    },
    grace: timeouts.grace,
    reset: resetConnection,
    say: (line) => environment.err(`${line}\n`),
    warn: (line) => log.warn(line),
    addSignalListener: (signal, listener) => environment.addSignalListener(signal, listener),
    removeSignalListener: (signal, listener) => environment.removeSignalListener(signal, listener),
  });
}
