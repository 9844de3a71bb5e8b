import { assert, assertEquals } from "@std/assert";
import {
  isNamed,
  namedProcesses,
  type ProcessFacts,
  thisHostsFacts,
} from "../../../src/capture/named_processes.ts";
import type { ProcessInfo } from "../../../src/host/owner/process_table.ts";
import { readProcess } from "../../../src/host/owner/process_table.ts";
import { process } from "../../support/processes.ts";

const SELF = 99;

/** A program of the file `/opt/app`, in this network. */
const PLAIN: ProcessFacts = { executable: () => "/opt/app", isHere: () => true };

function pids(all: readonly ProcessInfo[], names: readonly string[], facts = PLAIN): number[] {
  return namedProcesses(all, names, SELF, facts).map(({ pid }) => pid).toSorted((a, b) => a - b);
}

Deno.test("a program has the name that it shows, or that of its file", () => {
  const named = (shown: string, path: string | undefined, wanted: string) =>
    isNamed(process(5, { name: shown }), [wanted], { ...PLAIN, executable: () => path });
  assert(named("curl", "/usr/bin/curl", "curl"));
  assert(named("script.py", "/usr/bin/python3.11", "script.py"));
  assert(named("GeckoMain", "/opt/firefox/firefox", "firefox"));
  assert(named("GeckoMain", "/opt/firefox/firefox (deleted)", "firefox"));
  assert(named("chromium-browse", "/opt/chromium/chrome", "chromium-browser"));
  assert(!named("curl", "/usr/bin/curl", "cur"));
  assert(!named("curl", "/usr/bin/curl", "usr"));
});

Deno.test("a thread of the kernel is no program", () => {
  const kernels = { ...PLAIN, executable: () => undefined };
  assertEquals(isNamed(process(5, { name: "curl" }), ["curl"], kernels), false);
});

Deno.test("children come along, and theirs; the parent does not", () => {
  const all = [
    process(2),
    process(3, { parent: 2, name: "curl" }),
    process(4, { parent: 3 }),
    process(5, { parent: 4 }),
    process(6, { parent: 2 }),
    process(7, { name: "wget" }),
  ];
  assertEquals(pids(all, ["curl"]), [3, 4, 5]);
  assertEquals(pids(all, ["curl", "wget"]), [3, 4, 5, 7]);
});

Deno.test("ztun itself, the first process and other networks are let be", () => {
  const all = [
    process(1, { parent: 0, name: "systemd" }),
    process(2, { name: "bash" }),
    process(SELF, { parent: 2, name: "bash" }),
    process(100, { parent: SELF }),
    process(3, { name: "systemd" }),
    process(4, { parent: 2 }),
    process(5, { parent: 2, name: "bash" }),
  ];
  assertEquals(pids(all, ["bash"]), [2, 4, 5]);
  assertEquals(pids(all, ["systemd"]), [3]);
  const elsewhere = { ...PLAIN, isHere: (pid: number) => pid !== 5 };
  assertEquals(pids(all, ["bash"], elsewhere), [2, 4]);
});

Deno.test("this process runs a file, in the network that it is in", () => {
  const facts = thisHostsFacts();
  assert(facts.isHere(Deno.pid));
  const file = Deno.execPath().split("/").at(-1)!;
  assert(isNamed(readProcess(Deno.pid)!, [file], facts));
  assertEquals(facts.executable(0x3fff_ffff), undefined);
});
