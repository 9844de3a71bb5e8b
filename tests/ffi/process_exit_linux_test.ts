import { assert } from "@std/assert";
import { ProcessExits } from "../../ffi/process_exit_linux.ts";

function sleeper(): Deno.ChildProcess {
  return new Deno.Command("sleep", { args: ["60"] }).spawn();
}

async function end(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.status;
}

Deno.test("process exits: told when one of several ends, and of none that was watched before", async () => {
  const [first, second, third] = [sleeper(), sleeper(), sleeper()];
  const exits = new ProcessExits();
  exits.watch([first.pid]);
  exits.watch([second.pid, third.pid]);
  let told = false;
  const next = exits.next().then(() => told = true);
  await end(first);
  assert(!told);
  await end(third);
  await next;
  exits.watch([second.pid]);
  const again = exits.next();
  await end(second);
  await again;
  await exits.close();
});

Deno.test("process exits: one that is gone already has ended", async () => {
  const child = sleeper();
  await end(child);
  const exits = new ProcessExits();
  exits.watch([child.pid]);
  await exits.next();
  await exits.close();
});

Deno.test("process exits: closing ends the wait", async () => {
  const child = sleeper();
  const exits = new ProcessExits();
  exits.watch([child.pid]);
  const next = exits.next();
  await exits.close();
  await next;
  await exits.close();
  await end(child);
});
