/** `ztun up`: a tunnel on the host, for the networks that are routed into it. */

import { requireProxy } from "../../config/credentials.ts";
import { formatEndpoint } from "../../addr/endpoint.ts";
import { Exit, UserError } from "../../errors.ts";
import type { Tunnel } from "../../tunnel/tunnel.ts";
import { getLogger } from "../../log.ts";
import type { Command, CommandInput } from "../command.ts";
import { type StopSignals, stopSignals } from "../stop_signals.ts";

export const command: Command = {
  name: "up",
  summary: "Open a tunnel on this host and serve it until it is stopped",
  usage: ["up [flags]"],
  settings: ["proxy", "host", "device", "tunnel", "limits", "timeouts"],
  flags: [],
  positionals: [],
  examples: [
    {
      command: "sudo ztun up --socks 127.0.0.1:1080 --route 203.0.113.0/24",
      meaning: "One network through the proxy",
    },
    {
      command: "sudo ztun up --socks [2001:db8::1]:1080 --tun work0 --route 10.0.0.0/8 -v",
      meaning: "A device with a name, showing each change to the host",
    },
    {
      command: "sudo ztun up --config /etc/ztun.json",
      meaning: "Everything from a file",
    },
  ],
  details: [
    "Makes a TUN device, gives it its addresses, brings it up, adds exactly the routes asked for, " +
    "and carries what arrives on it through the proxy.",
    "With --workers the device has several queues. What one program's socket sends goes to one of " +
    "them, and through one worker, so a single flow does not get faster; many do. The kernel must " +
    "take an eBPF program for that: root, and no container that forbids bpf().",
    "SIGINT and SIGTERM end it in order: live flows get --grace to finish, then device and routes " +
    "go. A second signal ends it at once. Needs root, or CAP_NET_ADMIN.",
  ],
  run,
};

async function run(input: CommandInput): Promise<number> {
  const { settings, environment } = input;
  const proxy = requireProxy(settings.proxy);
  const [{ setUpDevice }, { Tunnel }] = await Promise.all([
    import("../../host/tun_setup.ts"),
    import("../../tunnel/tunnel.ts"),
  ]);
  const host = setUpDevice(settings.tun, settings.workers, getLogger(["ztun", "host"]));
  const signals = stopSignals(environment);
  try {
    const hurry = signals.first;
    const { device, queues } = host;
    const tunnel = await Tunnel.start({ settings, environment, queues, command: "up", hurry });
    if (!input.quiet && !signals.received) {
      const to = formatEndpoint(proxy.host, proxy.port);
      environment.err(`${device.name} is ready: what is routed to it goes through ${to}\n`);
    }
    return await serve(tunnel, signals);
  } finally {
    signals.release();
    host.close();
  }
}

/** Until the first signal; the second one ends the orderly stop. */
async function serve(tunnel: Tunnel, signals: StopSignals): Promise<number> {
  const failure = await Promise.race([signals.first, tunnel.failed]);
  if (failure !== undefined) {
    await tunnel.close();
    throw new UserError(failure);
  }
  let interrupted = false;
  signals.second.then(() => {
    interrupted = true;
    return tunnel.close();
  });
  await tunnel.stop();
  return interrupted ? Exit.Interrupted : Exit.Ok;
}
