import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { askToConfirm, askToStop, readStatuses } from "../../../src/control/client.ts";
import { ControlServer } from "../../../src/control/server.ts";
import { socketPath } from "../../../src/control/socket_path.ts";
import { Exit, UserError } from "../../../src/errors.ts";
import { ControlDirectory, FakeTunnel, replying, sampleStatus } from "./fixtures.ts";

const answering = (pid: number) => replying(() => sampleStatus({ pid }));

/** A socket that nobody listens on. */
function leaveSocket(directory: string, pid: number): void {
  const path = socketPath(directory, pid);
  Deno.listen({ transport: "unix", path }).close();
  // Closing may have removed it; the name is what counts.
  if (!names(directory).includes(`${pid}.sock`)) Deno.writeTextFileSync(path, "");
}

function names(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

Deno.test("what a server says is what is read", async () => {
  await using directory = new ControlDirectory();
  const status = sampleStatus({ pid: Deno.pid, version: "ü".repeat(40_000) });
  const server = await ControlServer.listen(directory.path, { status: () => status });
  const expected = JSON.parse(JSON.stringify(status));
  assertEquals(await readStatuses(directory.path), [expected]);
  assertEquals(await readStatuses(directory.path, Deno.pid), [expected]);
  assertEquals(await readStatuses(directory.path, Deno.pid + 1), []);
  const many = await Promise.all(Array.from({ length: 20 }, () => readStatuses(directory.path)));
  for (const statuses of many) assertEquals(statuses, [expected]);
  await server.close();
  assertEquals(await readStatuses(directory.path), []);
});

Deno.test("all tunnels answer, by process id; one, when it is named", async () => {
  await using directory = new ControlDirectory();
  await using _second = new FakeTunnel(directory.path, 1_000, answering(1_000));
  await using _first = new FakeTunnel(directory.path, 99, answering(99));
  const pids = async (pid?: number) => {
    return (await readStatuses(directory.path, pid)).map((status) => status.pid);
  };
  assertEquals(await pids(), [99, 1_000]);
  assertEquals(await pids(1_000), [1_000]);
  assertEquals(await pids(10), []);
});

Deno.test("without a directory there is no tunnel", async () => {
  await using directory = new ControlDirectory();
  assertEquals(await readStatuses(`${directory.path}/missing`), []);
  assertEquals(await readStatuses(directory.path), []);
});

Deno.test("what killed tunnels leave is removed; files of other names are not", async () => {
  await using directory = new ControlDirectory();
  await using _alive = new FakeTunnel(directory.path, 30, answering(30));
  leaveSocket(directory.path, 20);
  for (const name of ["notes.txt", "0.sock", "x.sock", "20.sock.old"]) {
    await Deno.writeTextFile(`${directory.path}/${name}`, "");
  }
  assertEquals((await readStatuses(directory.path)).map(({ pid }) => pid), [30]);
  assertEquals(names(directory.path), ["0.sock", "20.sock.old", "30.sock", "notes.txt", "x.sock"]);
});

Deno.test("only the one that was asked for is touched", async () => {
  await using directory = new ControlDirectory();
  leaveSocket(directory.path, 20);
  leaveSocket(directory.path, 21);
  assertEquals(await readStatuses(directory.path, 21), []);
  assertEquals(names(directory.path), ["20.sock"]);
});

Deno.test("a tunnel that ends while it is asked is none, and its socket its own affair", async () => {
  await using directory = new ControlDirectory();
  await using _before = new FakeTunnel(directory.path, 20, () => Promise.resolve());
  await using _amid = new FakeTunnel(directory.path, 21, async (asker) => {
    await asker.read(new Uint8Array(1_000));
    await asker.write(new TextEncoder().encode('{"pid":21,'));
  });
  await using _alive = new FakeTunnel(directory.path, 22, answering(22));
  assertEquals((await readStatuses(directory.path)).map(({ pid }) => pid), [22]);
  assertEquals(names(directory.path), ["20.sock", "21.sock", "22.sock"]);
});

Deno.test("a tunnel that does not answer is an error that names it, and what helps", async () => {
  await using directory = new ControlDirectory();
  const end = Promise.withResolvers<void>();
  await using _stuck = new FakeTunnel(directory.path, 20, () => end.promise);
  const error = await assertRejects(
    () => readStatuses(directory.path, undefined, 1),
    UserError,
    "The tunnel of process 20 does not answer",
  );
  assertStringIncludes(error.hint!, "kill -CONT 20");
  assertEquals(names(directory.path), ["20.sock"]);
  end.resolve();
});

Deno.test("any other failure is told with its cause, and nothing is removed", async () => {
  await using directory = new ControlDirectory();
  // Longer than the address of a socket may be.
  const path = `${directory.path}/${"x".repeat(120)}`;
  await Deno.mkdir(path);
  await Deno.writeTextFile(socketPath(path, 20), "");
  const error = await assertRejects(() => readStatuses(path), UserError, "Cannot ask the tunnel");
  assertEquals(error.exitCode, Exit.Failed);
  assert(error.cause instanceof Error);
  assertEquals(names(path), ["20.sock"]);
});

Deno.test("stop and confirm are asked for, each of one tunnel", async () => {
  await using directory = new ControlDirectory();
  const asked: string[] = [];
  const tunnel = (pid: number) =>
    new FakeTunnel(
      directory.path,
      pid,
      replying((request) => {
        asked.push(`${pid} ${request}`);
        return { ok: true };
      }),
    );
  await using _first = tunnel(20);
  await using _second = tunnel(21);
  assertEquals(await askToStop(directory.path, 21), true);
  assertEquals(await askToConfirm(directory.path, 20), true);
  assertEquals(asked, ['21 {"do":"stop"}', '20 {"do":"confirm"}']);
  assertEquals(await askToStop(directory.path, 22), false);
});

Deno.test("a tunnel that will not do it says why", async () => {
  await using directory = new ControlDirectory();
  await using _tunnel = new FakeTunnel(directory.path, 20, replying(() => ({ error: "Too late" })));
  const error = await assertRejects(
    () => askToConfirm(directory.path, 20),
    UserError,
    "The tunnel of process 20 did not do it: Too late",
  );
  assertStringIncludes(error.hint!, "ztun status --pid 20");
});

// Root may open everything.
if (Deno.uid() !== 0) {
  Deno.test("a socket that is not ours to open is told, with the exit code for it", async () => {
    await using directory = new ControlDirectory();
    await using _tunnel = new FakeTunnel(directory.path, 20, answering(20));
    await Deno.chmod(socketPath(directory.path, 20), 0);
    const error = await assertRejects(() => readStatuses(directory.path), UserError);
    assertEquals(error.exitCode, Exit.Permission);
    assertStringIncludes(error.hint!, "`sudo` in front");
    assertEquals(names(directory.path), ["20.sock"]);
  });
}
