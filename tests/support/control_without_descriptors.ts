/** Asks a control server while its process has no descriptor left to accept with, and frees them then. */

import { ControlServer } from "../../src/control/server.ts";
import { readStatuses } from "../../src/control/client.ts";
import { ControlDirectory, sampleStatus } from "../src/control/fixtures.ts";

await using directory = new ControlDirectory();
const server = await ControlServer.listen(directory.path, {
  status: () => sampleStatus({ pid: Deno.pid }),
});
const files = useUp();
// One for the asker's own socket: none is left for the server's.
files.pop()!.close();
const asking = readStatuses(directory.path);
// The failed accept comes before these turns of the event loop end; waiting for it needs no descriptor.
for (let turn = 0; turn < 100; turn++) await new Promise<void>((next) => setImmediate(next));
for (const file of files) file.close();
const [status] = await asking;
await Deno.stdout.write(
  new TextEncoder().encode(status?.pid === Deno.pid ? "answered\n" : "lost\n"),
);
await server.close();

function useUp(): Deno.FsFile[] {
  const files: Deno.FsFile[] = [];
  while (true) {
    try {
      files.push(Deno.openSync("/dev/null"));
    } catch {
      return files;
    }
  }
}
