/** Whose a listening socket is, among processes, network namespaces and those that hold it for others. */

import { assertEquals } from "@std/assert";
import { SockDiag } from "../../ffi/sock_diag_linux.ts";
import { parseAddress } from "../../src/addr/address.ts";
import { findOwner, type OwnerAnswer } from "../../src/host/owner/find_owner.ts";
import { e2e } from "../support/e2e.ts";
import { inNamespace } from "../support/enter_namespace.ts";
import { eventually } from "../support/eventually.ts";
import type { Lab } from "../support/lab.ts";
import type { Running } from "../support/process.ts";

const PORT = 1080;

function ask({ client }: Lab): OwnerAnswer {
  return inNamespace(client.name, () => {
    const diag = new SockDiag();
    try {
      return findOwner(diag, { address: parseAddress("127.0.0.1")!, port: PORT });
    } finally {
      diag.close();
    }
  });
}

/** The numbers on the line that a program prints when it is ready. */
async function pidsOf(program: Running): Promise<number[]> {
  const [, text] = await program.logged(/processes ([\d ]+)\./);
  return text!.split(" ").map(Number).toSorted();
}

const pids = (processes: readonly { pid: number }[] = []) =>
  processes.map(({ pid }) => pid).toSorted();

e2e("whose a listener is: all who share it", "forked", async ({ lab }) => {
  assertEquals(ask(lab).kind, "nobody");
  const program = `import os, socket, time
listener = socket.create_server(("127.0.0.1", ${PORT}))
processes = [os.getpid()]
for _ in range(3):
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
    processes.append(child)
print("processes", *processes, end=".\\n", flush=True)
time.sleep(600)
`;
  const all = await pidsOf(lab.start("forked", lab.client, ["python3", "-c", program]));
  const answer = ask(lab);
  const owner = answer.kind === "owner" ? answer.owner : undefined;
  assertEquals(pids(owner?.holders), all);
  assertEquals(pids(owner?.processes), all);
});

e2e("whose a listener is: of who left for another network", "moved", async ({ lab }) => {
  // The socket stays in the network that it was made in; its process goes away.
  const program = `import ctypes, os, socket, time
listener = socket.create_server(("127.0.0.1", ${PORT}))
there = os.open("/run/netns/${lab.server.name}", os.O_RDONLY)
assert ctypes.CDLL(None).setns(there, 0) == 0
print("processes", os.getpid(), end=".\\n", flush=True)
time.sleep(600)
`;
  const all = await pidsOf(lab.start("moved", lab.client, ["python3", "-c", program]));
  const answer = ask(lab);
  assertEquals(answer.kind === "elsewhere" && pids(answer.holders), all);
});

e2e("whose a listener is: a container's, by the name of its relay", "relay", async ({ lab }) => {
  const relay = `${lab.directory}/docker-proxy`;
  await Deno.symlink("/usr/bin/nc.openbsd", relay);
  lab.start("relay", lab.client, [relay, "-l", "-k", "127.0.0.1", String(PORT)]);
  const answer = await eventually("the relay to listen", () => {
    const answer = ask(lab);
    return answer.kind === "nobody" ? undefined : answer;
  });
  assertEquals([answer.kind, answer.kind === "container" && answer.address], [
    "container",
    undefined,
  ]);
});
