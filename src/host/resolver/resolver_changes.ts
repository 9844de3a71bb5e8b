/** A plan as the list of changes, in the order in which they are made. */

import type { Change } from "../change.ts";
import type { CommandChange } from "../changes/command_change.ts";
import type { FileBefore, FileChange } from "../changes/file_change.ts";
import { composeResolvConf } from "../resolv_conf.ts";
import { type PointedConf, pointedConf } from "./conf_text.ts";
import { NM_CONF_DIRECTORY, RESOLV_CONF, type ResolverFacts } from "./facts.ts";
import type { ResolverPlan } from "./plan.ts";

/** All changes of the plan. The last is that of /etc/resolv.conf, where there is one. */
export function resolverChanges(
  plan: ResolverPlan,
  facts: ResolverFacts,
  pointed: PointedConf,
  root: string,
): Change[] {
  return [
    ...plan.resolved ? resolvedChanges(pointed) : [],
    ...confChanges(plan, facts, pointed, root),
  ];
}

function confChanges(
  { conf }: ResolverPlan,
  facts: ResolverFacts,
  pointed: PointedConf,
  root: string,
): Change[] {
  const file = () => confChange(facts.before, facts.text, pointed, root);
  switch (conf) {
    case "stub":
    case "held":
      return [];
    case "resolvconf":
      return resolvconfChanges(facts, pointed);
    case "network-manager":
      return [...networkManagerChanges(facts, root), file()];
    case "file":
      return [file()];
  }
}

/** /etc/resolv.conf pointed into the tunnel. */
export function confChange(
  before: FileBefore,
  text: string,
  pointed: PointedConf,
  root: string,
): FileChange {
  const content = pointedConf(before, text, pointed);
  return { kind: "file", path: `${root}${RESOLV_CONF}`, before, content };
}

/**
 * Our device is asked for every name (`~.`), by plain DNS: what the host prefers (DNS over TLS, DNSSEC)
 * the server within the tunnel does not speak. One `revert` undoes all of it; so does the device's end.
 */
function resolvedChanges({ device, servers }: PointedConf): CommandChange[] {
  const set = (what: string, ...values: string[]): CommandChange => ({
    kind: "command",
    what: `set ${what} of "${device}" in systemd-resolved`,
    command: ["resolvectl", what, device, ...values],
    outlivesBoot: false,
  });
  const isSet = {
    command: ["resolvectl", "dns", device],
    pattern: `: ${servers.join(" ").replaceAll(".", "\\.")}$`,
  };
  return [
    { ...set("dns", ...servers), undo: ["resolvectl", "revert", device], check: isSet },
    set("dnsovertls", "no"),
    set("dnssec", "no"),
    set("domain", "~."),
    set("default-route", "yes"),
  ];
}

/**
 * An exclusive entry: no other server is listed while it is there. Entries are in /run, the file that is
 * made of them on disk: after a loss of power it is made anew.
 */
function resolvconfChanges({ text }: ResolverFacts, pointed: PointedConf): CommandChange[] {
  const entry = `${pointed.device}.ztun`;
  return [
    {
      kind: "command",
      what: "let openresolv write resolv.conf anew",
      undo: ["resolvconf", "-u"],
      outlivesBoot: true,
    },
    {
      kind: "command",
      what: `add "${entry}" to openresolv`,
      command: ["resolvconf", "-a", entry, "-m", "0", "-x"],
      input: composeResolvConf(text, pointed.servers),
      undo: ["resolvconf", "-f", "-d", entry],
      check: {
        command: ["resolvconf", "-i"],
        pattern: `(^|\\s)${entry.replaceAll(".", "\\.")}(\\s|$)`,
      },
      outlivesBoot: false,
    },
  ];
}

/**
 * A setting in /run, which no later boot sees. It is loaded by a command, which at the end must run after
 * the setting is gone: so that one is first in the list.
 */
function networkManagerChanges({ nmConfDirectory }: ResolverFacts, root: string): Change[] {
  const directory = `${root}${NM_CONF_DIRECTORY}`;
  const reload = ["nmcli", "general", "reload", "conf"];
  const common = { kind: "command", what: "reload NetworkManager", outlivesBoot: false } as const;
  const runs = { command: ["nmcli", "-t", "-f", "RUNNING", "general"], pattern: "^running$" };
  const setting: FileChange = {
    kind: "file",
    path: `${directory}/zz-ztun.conf`,
    before: { type: "absent" },
    content:
      "# Written by ztun; goes with it, or at the next boot.\n[main]\nrc-manager=unmanaged\n",
  };
  const after: CommandChange = { ...common, undo: reload, check: runs };
  const now: CommandChange = { ...common, command: reload };
  const made = nmConfDirectory ? [] : [{ kind: "directory", path: directory }];
  return [after, ...made, setting, now];
}
