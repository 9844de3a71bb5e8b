/** `ztun up`: everything that this host sends through the proxy, or the networks that are named. */

import { formatEndpoint } from "../../addr/endpoint.ts";
import { requireProxy } from "../../config/credentials.ts";
import type { Settings } from "../../config/settings.ts";
import { formatDuration } from "../../config/units.ts";
import { Exit, UserError } from "../../errors.ts";
import type { HostTunnel } from "../../capture/host_tunnel.ts";
import { ServiceNotifier } from "../../host/service/notify.ts";
import { LineLog } from "../../log.ts";
import type { Command, CommandInput } from "../command.ts";
import { detach, removeLog } from "../detach.ts";
import { type StopSignals, stopSignals } from "../stop_signals.ts";

export const command: Command = {
  name: "up",
  summary: "Send this host's traffic through the proxy until it is stopped",
  usage: ["up [flags]"],
  settings: ["proxy", "host", "capture", "dns", "device", "tunnel", "limits", "timeouts"],
  flags: [
    { name: "dry-run", meaning: "Print the commands that would do the same, and change nothing" },
    { name: "detach", meaning: "Return when it is ready, and leave it running" },
  ],
  positionals: [],
  examples: [
    { command: "sudo ztun up --socks 127.0.0.1:1080", meaning: "Everything through the proxy" },
    {
      command: "sudo ztun up --socks 127.0.0.1:1080 --strict --detach",
      meaning: "In the background, and nothing leaves but through the proxy, even after a crash",
    },
    {
      command: "sudo ztun up --socks 127.0.0.1:1080 --include 203.0.113.0/24",
      meaning: "One network through the proxy",
    },
  ],
  details: [
    "Makes a TUN device, routes everything that this host sends into it by a table and rules of " +
    "its own, points the system's resolver into it, and carries what arrives through the proxy. " +
    "Networks next to the host and its containers stay reachable; what the proxy sends, should it " +
    "run on this host, stays outside. Before it says that it is ready it has proven that TCP, " +
    "names and UDP get through.",
    "Every change is written down before it is made, and undone at the end: by SIGINT, SIGTERM or " +
    "`ztun down`; after a crash by the next `ztun up` or by `ztun cleanup`. Live flows get --grace " +
    "to finish; a second signal ends it at once.",
    "With --strict the firewall lets nothing out but to the tunnel and the proxy, and stays when " +
    "ztun dies, until `ztun down`.",
    "With --workers the device has several queues. What one program's socket sends goes to one of " +
    "them, and through one worker, so a single flow does not get faster; many do. The kernel must " +
    "take an eBPF program for that: root, and no container that forbids bpf().",
    "Needs root, or CAP_NET_ADMIN.",
  ],
  run,
};

async function run(input: CommandInput): Promise<number> {
  const { settings, environment, flags } = input;
  const proxy = requireProxy(settings.proxy);
  const log = new LineLog(["ztun", "host"]);
  if (flags["dry-run"] === true) {
    const { dryRun } = await import("../../capture/dry_run.ts");
    for (const line of await dryRun({ settings, proxy, environment })) {
      environment.out(`${line}\n`);
    }
    return Exit.Ok;
  }
  if (flags["detach"] === true) return await detach(environment, input.args, input.quiet);
  const { HostTunnel } = await import("../../capture/host_tunnel.ts");
  const notifier = ServiceNotifier.open(environment);
  const watchdog = notifier?.watchdogMs === undefined
    ? undefined
    : setInterval(() => notifier.watchdog(), notifier.watchdogMs);
  const signals = stopSignals(environment);
  try {
    const hurry = signals.first;
    const selfCommand = environment.selfCommand();
    const tunnel = await HostTunnel.start({
      ...{ settings, proxy, environment, selfCommand, log, hurry },
    });
    const code = await serve(input, tunnel, signals, notifier);
    await removeLog(environment);
    return code;
  } finally {
    clearInterval(watchdog);
    signals.release();
  }
}

/** Until somebody wants its end; the second signal ends the orderly stop. */
async function serve(
  input: CommandInput,
  tunnel: HostTunnel,
  signals: StopSignals,
  notifier: ServiceNotifier | undefined,
): Promise<number> {
  if (!signals.received && tunnel.state !== "stopping") announce(input, tunnel, notifier);
  const { failed, stopAsked, unconfirmed } = tunnel;
  let broken = false;
  const failure = failed.then((reason) => {
    broken = true;
    return reason;
  });
  const reason = await Promise.race([signals.first, failure, stopAsked, unconfirmed]);
  notifier?.stopping();
  let interrupted = false;
  signals.second.then(() => {
    interrupted = true;
    return tunnel.close();
  });
  if (typeof reason !== "string") {
    await tunnel.stop();
    return interrupted ? Exit.Interrupted : Exit.Ok;
  }
  await (broken ? tunnel.giveUp() : tunnel.close());
  throw new UserError(reason);
}

/** Says that it is ready, to everybody who waits for that. */
function announce(
  { quiet, settings, environment }: CommandInput,
  tunnel: HostTunnel,
  notifier: ServiceNotifier | undefined,
): void {
  const line = `${tunnel.device} is ready: ${describe(settings)}`;
  notifier?.ready(line);
  if (!quiet) environment.err(`${line}\n`);
  const { confirm } = settings.capture;
  if (confirm > 0 && !quiet) {
    environment.err(
      `Unless \`sudo ztun confirm\` is given within ${formatDuration(confirm)}, it is undone\n`,
    );
  }
}

function describe({ proxy, capture }: Settings): string {
  const to = formatEndpoint(proxy!.host, proxy!.port);
  if (!capture.routes) return `what is routed to it goes through ${to}`;
  if (capture.include.length === 0) return `everything goes through ${to}`;
  const shown = capture.include.slice(0, 3).join(", ");
  return `${shown}${capture.include.length > 3 ? ", ..." : ""} through ${to}`;
}
