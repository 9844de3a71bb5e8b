/** Changes the file that is named, says what it saw, and puts it back. */

import { fileChange, fileKind } from "../../src/host/changes/file_change.ts";
import { realDisk } from "../../src/host/disk.ts";

const path = Deno.args[0]!;
const kind = fileKind(realDisk);
const inode = () => Deno.lstatSync(path).ino;
const before = inode();
const change = fileChange(realDisk, path, "ours\n");
await kind.apply(change);
const seen = [inode() === before ? "same file" : "another file", await kind.state(change)];
await kind.undo(change);
seen.push(await kind.state(change));
Deno.stdout.writeSync(new TextEncoder().encode(`${seen.join(", ")}\n`));
