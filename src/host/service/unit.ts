/** The text of the unit. What is less than obvious is said in the unit itself, where people look. */

import { commandLine, variable } from "./unit_words.ts";

/** How ztun is run as a service. */
export interface ServiceProgram {
  /** Arguments go behind them; the first is a path. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface UnitOptions {
  readonly program: ServiceProgram;
  /** Behind `up`. */
  readonly flags: readonly string[];
  /** `--grace`: how long the orderly stop may wait for flows. */
  readonly graceMs: number;
  /** The kill switch has to outlive a tunnel that died. */
  readonly strict: boolean;
}

/** Until the proxy has answered and the first packet came through. */
export const START_SECONDS = 180;
/** For undoing what was changed, once the flows have ended. */
const UNDO_SECONDS = 30;

export function stopSeconds(graceMs: number): number {
  return UNDO_SECONDS + Math.ceil(graceMs / 1000);
}

export function unitText(options: UnitOptions): string {
  return [
    UNIT,
    `[Service]
Type=notify
${commands(options)}
TimeoutStartSec=${START_SECONDS}
TimeoutStopSec=${stopSeconds(options.graceMs)}
${SERVICE}`,
    HARDENING,
    INSTALL,
  ].join("\n");
}

function commands({ program, flags, strict }: UnitOptions): string {
  const environment = Object.entries(program.environment)
    .map(([name, value]) => `Environment=${variable(name, value)}`);
  return [
    ...environment,
    `ExecStart=${commandLine([...program.words, "up", ...flags])}`,
    ...strict ? [KEEP] : [CLEAN_UP, `ExecStopPost=${commandLine([...program.words, "cleanup"])}`],
  ].join("\n");
}

const CLEAN_UP =
  "# Undoes what a tunnel that was killed has left; after an orderly stop there is nothing.";
const KEEP = `\
# No cleanup when it dies: the kill switch stays until the next start has its own in place, or until
# somebody says \`ztun down\` or \`ztun cleanup\`.`;

const UNIT = `\
[Unit]
Description=ztun: this host's packets through a proxy
# It is ready when something has gone through the proxy, so the network has to be there first: before
# network-pre.target, the network and ztun would wait for each other. nftables.service starts by
# flushing all tables, ztun's too.
Wants=network-online.target
After=network-online.target nss-lookup.target nftables.service
StartLimitIntervalSec=5min
StartLimitBurst=20
`;

const SERVICE = `\
# No ExecStop: SIGTERM is the orderly stop, which undoes everything as \`ztun down\` does. It is for ztun
# only, and not for a program that ztun runs to undo something.
KillMode=mixed
WatchdogSec=30
# Who does not answer any more would not heed another signal.
WatchdogSignal=SIGKILL
Restart=on-failure
RestartSec=5
# Wrong usage, and not permitted: trying again does not help.
RestartPreventExitStatus=2 4
`;

const HARDENING = `\
# The journals of changes, and the control sockets: those of every ztun of the host, so they stay when
# this one stops.
StateDirectory=ztun
StateDirectoryMode=0700
RuntimeDirectory=ztun
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
# The rings of io_uring count as locked memory, each worker's and each service's.
LimitMEMLOCK=infinity
# NET_ADMIN: device, routes, rules, firewall. SYS_ADMIN: programs that mark what a cgroup sends, and to
# find them again (BPF alone may not). SYS_PTRACE, DAC_OVERRIDE: whose socket the proxy's is, its mark, and
# cgroups of users. CHOWN, FOWNER: resolv.conf comes back as it was.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER
# The rest of what SYS_ADMIN allows.
SystemCallFilter=~@mount @swap @reboot @raw-io
SystemCallErrorNumber=EPERM
NoNewPrivileges=yes
# Written to are resolv.conf and what belongs to it in /etc and /run; kernel settings and cgroups are
# in /proc and /sys, which stay as they are. No MemoryDenyWriteExecute: JavaScript is compiled as it runs.
ProtectSystem=strict
ReadWritePaths=/etc /run
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
SystemCallArchitectures=native
`;

const INSTALL = `\
[Install]
WantedBy=multi-user.target
`;
