/** `ztun status`: what a running tunnel is doing. */

import { readStatuses } from "../../control/client.ts";
import { controlDirectory } from "../../control/socket_path.ts";
import type { TunnelStatus } from "../../control/status.ts";
import { Exit, UserError } from "../../errors.ts";
import type { Command, CommandInput } from "../command.ts";
import { usageError } from "../parse_command_line.ts";

export const command: Command = {
  name: "status",
  summary: "Show what the running tunnels are doing",
  usage: ["status [flags]"],
  settings: [],
  flags: [
    { name: "json", meaning: "Print all counters as JSON, one object per tunnel and line" },
    { name: "pid", value: "PID", meaning: "Only the tunnel of that process", default: "all" },
  ],
  positionals: [],
  examples: [
    { command: "ztun status", meaning: "Proxy, flows, bytes, memory of each running tunnel" },
    { command: "ztun status --json", meaning: "Everything that is counted, for a script" },
  ],
  details: ["Exits 3 when no tunnel is running."],
  run,
};

async function run({ flags, environment }: CommandInput): Promise<number> {
  const statuses = await readStatuses(controlDirectory(environment), pidOf(flags.pid));
  if (statuses.length === 0) {
    throw new UserError("No tunnel is running", {
      exitCode: Exit.NotRunning,
      hint: "sudo ztun up --socks 127.0.0.1:1080 --route 203.0.113.0/24",
    });
  }
  const render = flags.json === true ? (s: TunnelStatus) => JSON.stringify(s) + "\n" : describe;
  environment.out(statuses.map(render).join(flags.json === true ? "" : "\n"));
  return Exit.Ok;
}

function pidOf(text: string | boolean | undefined): number | undefined {
  if (typeof text !== "string") return undefined;
  if (!/^[1-9][0-9]*$/.test(text)) throw usageError(`"${text}" is no process id`, "`ztun status`");
  return Number(text);
}

function describe(status: TunnelStatus): string {
  const { device, gauges, counters, dns } = status;
  const offload = device.offload ? "offload on" : "offload off";
  const drops = Object.entries(counters)
    .filter(([name, count]) => name.startsWith("drop") && count > 0)
    .map(([name, count]) => `${name.slice(4)} ${count}`);
  return [
    `${device.name}: ztun ${status.command}, pid ${status.pid}, up ${
      duration(status.uptimeSeconds)
    }`,
    `  proxy    ${status.proxy}, UDP: ${status.proxyUdp}, pipelining: ${status.proxyPipelining}`,
    `  device   MTU ${device.mtu}, ${offload}, engine ${status.engine}, ${workers(status.workers)}`,
    `  tcp      ${gauges.tcpFlows} flows (${gauges.tcpHalfOpen} half-open), ${counters.tcpOpened} opened, ${counters.tcpRefused} refused`,
    `  udp      ${gauges.udpMappings} ports, ${gauges.udpAssociations} associations, ${counters.udpRefused} refused`,
    `  dns      ${dns.queries} queries, ${dns.answers} answers, ${dns.timeouts} timeouts, p50 ${
      ms(dns.latency.p50)
    }, p99 ${ms(dns.latency.p99)}`,
    `  bytes    ${counters.proxyBytesUp} up, ${counters.proxyBytesDown} down, ${gauges.bytesBuffered} buffered`,
    `  dropped  ${drops.length === 0 ? "nothing" : drops.join(", ")}`,
    "",
  ].join("\n");
}

function workers(count: number): string {
  return count === 1 ? "1 worker" : `${count} workers`;
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}

function duration(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 3600), "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first < 0 ? 2 : first).map(([count, unit]) => `${count}${unit}`).join(" ");
}
