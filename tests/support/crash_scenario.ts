/** One tunnel's life as far as the host sees it: changes made, added, withdrawn, overwritten, undone. */

import type { Change } from "../../src/host/change.ts";
import { fileChange } from "../../src/host/changes/file_change.ts";
import { sysctlChange } from "../../src/host/changes/sysctl_change.ts";
import { type Disk, realDisk } from "../../src/host/disk.ts";
import type { Machine } from "../../src/host/machine.ts";
import { Transaction } from "../../src/host/transaction.ts";
import type { FakeHost } from "./fake_host.ts";

/** What somebody else writes in the middle of it, and so what is to be there in the end. */
export const FOREIGN = "written by somebody else\n";

export async function liveThrough(host: FakeHost, disk: Disk, machine: Machine): Promise<void> {
  const transaction = new Transaction({
    kinds: host.kinds(disk),
    log: host.log,
    openJournal: () => host.openJournal(disk, machine),
  });
  const file = (name: string, content: string) => fileChange(disk, host.path(name), content);
  const ids = await transaction.apply([
    sysctlChange(disk, "forward", "1", host.path("sys"))!,
    file("etc/plain", "ours\n"),
    { kind: "directory", path: host.path("etc/conf.d") } as Change,
    file("etc/conf.d/new", "new\n"),
    file("etc/mine.mounted", "ours in place\n"),
  ]);
  const [link] = await transaction.apply([file("etc/link", "no link\n")]);
  await transaction.withdraw(link!);
  replaceFile(host.path("etc/plain"));
  await transaction.replace(ids[1]!, file("etc/plain", "ours again\n"));
  await transaction.undo();
}

/** As many programs do: another file, renamed. */
function replaceFile(path: string): void {
  realDisk.remove(path);
  Deno.writeTextFileSync(path, FOREIGN);
}
