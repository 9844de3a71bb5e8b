/**
 * Points the resolver of the host that it finds itself on, says what it sees, and puts it back:
 *
 *   resolver_program.ts JOURNALS [--die | --recover]
 *
 * Prints one object of JSON. Between the two it runs `$MEANWHILE`, a shell command; with `--die` it kills
 * itself then, and with `--recover` it only undoes what such a one has left.
 */

import { basicKinds } from "../../src/host/changes/kinds.ts";
import { runCommand } from "../../src/host/changes/run_command.ts";
import { realDisk } from "../../src/host/disk.ts";
import { Journal } from "../../src/host/journal.ts";
import { realMachine } from "../../src/host/machine.ts";
import { recoverJournals } from "../../src/host/recover.ts";
import { HostResolver } from "../../src/host/resolver/resolver.ts";
import { Transaction } from "../../src/host/transaction.ts";

const [journals, flag] = Deno.args;
const log = { debug() {}, warn() {} };
const kinds = basicKinds({ disk: realDisk, run: runCommand });
const conf = () => Deno.readTextFileSync("/etc/resolv.conf");
const seen: unknown = flag === "--recover" ? await recover() : await point();
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(seen)));

async function recover(): Promise<unknown> {
  const host = { disk: realDisk, machine: realMachine, directories: [journals!], kinds, log };
  const { recovered } = await recoverJournals(host);
  return { recovered, conf: conf() };
}

async function point(): Promise<unknown> {
  const before = conf();
  const openJournal = () => Journal.create(realDisk, realMachine, [journals!], "ztun0");
  const transaction = new Transaction({ kinds, log, openJournal });
  const resolver = await HostResolver.point({
    host: { disk: realDisk, run: runCommand, machine: realMachine, root: "" },
    transaction,
    device: "ztun0",
    servers: ["198.18.0.2", "fd7a:7475:6e00::2"],
    log,
  });
  const pointed = conf();
  if (flag === "--die") Deno.kill(Deno.pid, "SIGKILL");
  await runCommand(["sh", "-c", Deno.env.get("MEANWHILE") ?? ""]);
  await resolver.look(0);
  const again = conf();
  const { altered, failed } = await transaction.undo();
  const { plan, upstreams } = resolver;
  return { way: plan.conf, upstreams, before, pointed, again, after: conf(), altered, failed };
}
