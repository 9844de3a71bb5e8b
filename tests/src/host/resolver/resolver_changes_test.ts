import { assertEquals } from "@std/assert";
import { basicKinds } from "../../../../src/host/changes/kinds.ts";
import type { CommandChange } from "../../../../src/host/changes/command_change.ts";
import { runCommand } from "../../../../src/host/changes/run_command.ts";
import { kindOf } from "../../../../src/host/change.ts";
import { realDisk } from "../../../../src/host/disk.ts";
import type { ResolverFacts } from "../../../../src/host/resolver/facts.ts";
import type { ResolverPlan } from "../../../../src/host/resolver/plan.ts";
import { resolverChanges } from "../../../../src/host/resolver/resolver_changes.ts";

const FACTS: ResolverFacts = {
  before: { type: "absent" },
  text: "search lan.example\nnameserver 192.168.1.1\n",
  holder: undefined,
  resolved: false,
  networkManager: false,
  resolvconf: undefined,
  nmConfDirectory: true,
  upstreamTexts: [],
};
const POINTED = { device: "ztun0", pid: 4711, servers: ["198.18.0.2", "fd7a:7475:6e00::2"] };
const kinds = basicKinds({ disk: realDisk, run: runCommand });

function changes(plan: Partial<ResolverPlan>, facts: Partial<ResolverFacts> = {}) {
  const whole = { resolved: false, conf: "stub", reasons: [], ...plan } as const;
  return resolverChanges(whole, { ...FACTS, ...facts }, POINTED, "");
}

/** The first line of each command: a resolv.conf has several. */
function commands(...args: Parameters<typeof changes>): string[] {
  return changes(...args).map((change) => kindOf(kinds, change).command(change));
}

Deno.test("resolver: systemd-resolved asks our device for every name", () => {
  assertEquals(commands({ resolved: true }), [
    "resolvectl dns ztun0 198.18.0.2 fd7a:7475:6e00::2",
    "resolvectl dnsovertls ztun0 no",
    "resolvectl dnssec ztun0 no",
    "resolvectl domain ztun0 ~.",
    "resolvectl default-route ztun0 yes",
  ]);
  const made = changes({ resolved: true }) as CommandChange[];
  assertEquals(made.map(({ undo }) => undo?.join(" ")).filter((undo) => undo !== undefined), [
    "resolvectl revert ztun0",
  ]);
  const pattern = new RegExp(made[0]!.check!.pattern, "m");
  assertEquals(pattern.test("Link 7 (ztun0): 198.18.0.2 fd7a:7475:6e00::2\n"), true);
  assertEquals(pattern.test("Link 7 (ztun0):\n"), false);
  assertEquals(pattern.test("Link 7 (ztun0): 9.9.9.9\n"), false);
});

Deno.test("resolver: openresolv gets an exclusive entry, and writes its file anew afterwards", () => {
  const [again, add] = changes({ conf: "resolvconf" }) as CommandChange[];
  assertEquals(again?.undo, ["resolvconf", "-u"]);
  // Entries are gone after a boot, what was made of them is not.
  assertEquals([again?.outlivesBoot, add?.outlivesBoot], [true, false]);
  assertEquals(add?.command?.join(" "), "resolvconf -a ztun0.ztun -m 0 -x");
  assertEquals(
    add?.input,
    "nameserver 198.18.0.2\nnameserver fd7a:7475:6e00::2\nsearch lan.example\n",
  );
  assertEquals(add?.undo?.join(" "), "resolvconf -f -d ztun0.ztun");
  const pattern = new RegExp(add!.check!.pattern, "m");
  assertEquals(pattern.test("eth0.dhcp ztun0.ztun\n"), true);
  assertEquals(pattern.test("eth0.dhcp ztun0.ztun2\n"), false);
});

Deno.test("resolver: NetworkManager is told to leave resolv.conf, and reloads once that is undone", () => {
  const shown = commands({ conf: "network-manager" });
  assertEquals(shown.slice(0, 3), [
    "",
    "printf '%s\\n' '# Written by ztun; goes with it, or at the next boot.' '[main]' " +
    "rc-manager=unmanaged >/run/NetworkManager/conf.d/zz-ztun.conf",
    "nmcli general reload conf",
  ]);
  const undone = changes({ conf: "network-manager" })
    .map((change) => kindOf(kinds, change).undoCommand(change))
    .reverse();
  assertEquals(undone, [
    "rm /etc/resolv.conf",
    "",
    "rm /run/NetworkManager/conf.d/zz-ztun.conf",
    "nmcli general reload conf",
  ]);
  const withDirectory = commands({ conf: "network-manager" }, { nmConfDirectory: false });
  assertEquals(withDirectory[1], "mkdir /run/NetworkManager/conf.d");
});

Deno.test("resolver: nothing is changed where nothing is to be", () => {
  assertEquals(changes({ conf: "stub" }), []);
  assertEquals(changes({ conf: "held" }), []);
  const both = changes({ resolved: true, conf: "file" });
  assertEquals(both.map(({ kind }) => kind), [...Array(5).fill("command"), "file"]);
});
