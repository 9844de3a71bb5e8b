/** `ztun exec`: runs a command whose whole network is the tunnel. */

import { requireProxy } from "../../config/credentials.ts";
import { LineLog } from "../../log.ts";
import type { Command, CommandInput } from "../command.ts";

export const command: Command = {
  name: "exec",
  summary: "Run a command whose whole network is the tunnel",
  usage: ["exec [flags] [--] COMMAND [ARGUMENT...]"],
  settings: ["proxy", "dns", "device", "tunnel", "limits", "timeouts"],
  flags: [],
  positionals: [],
  takesCommand: true,
  examples: [
    {
      command: "ztun exec --socks 127.0.0.1:1080 -- curl https://example.com",
      meaning: "One program through a proxy that it knows nothing of",
    },
    {
      command: "ztun exec --proxy socks5://alice@proxy.example --password-file key -- bash",
      meaning: "A shell in which everything goes through the proxy, signed in",
    },
    {
      command: "ZTUN_PROXY=127.0.0.1:1080 ztun exec --dns-server 9.9.9.9 dig example.com",
      meaning: "The proxy from the environment, and a DNS server of your choice",
    },
  ],
  details: [
    "The command gets a user, mount and network namespace of its own, with nothing in it but " +
    "loopback and the tunnel: what does not go through the proxy does not go anywhere. TCP, UDP, " +
    "ping and DNS, IPv4 and IPv6.",
    "Exit status, signals, standard streams and terminal are the command's own. When it has ended, " +
    "live flows get --grace to finish; a second signal from then on ends them at once.",
    "No privileges are needed where /dev/net/tun has the mode 0666 and user namespaces are allowed.",
  ],
  run,
};

async function run(input: CommandInput): Promise<number> {
  const { settings, environment } = input;
  requireProxy(settings.proxy);
  const [{ execInTunnel }, { Tunnel }] = await Promise.all([
    import("../../host/exec.ts"),
    import("../../tunnel/tunnel.ts"),
  ]);
  return await execInTunnel({
    command: input.rest,
    selfCommand: environment.selfCommand(),
    tun: settings.tun,
    dnsServers: settings.dns.servers,
    signals: environment,
    log: new LineLog(["ztun", "exec"]),
  }, (device) => Tunnel.start({ settings, environment, queues: [device], command: "exec" }));
}
