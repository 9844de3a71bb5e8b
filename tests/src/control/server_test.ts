import { assert, assertEquals, assertRejects } from "@std/assert";
import { ControlServer } from "../../../src/control/server.ts";
import { UserError } from "../../../src/errors.ts";
import { must } from "../../support/process.ts";
import { ControlDirectory, sampleStatus } from "./fixtures.ts";

const handler = { status: () => sampleStatus() };
/** More than the server lets wait. */
const CROWD = 100;

const encode = (text: string) => new TextEncoder().encode(text);

function connect(path: string): Promise<Deno.UnixConn> {
  return Deno.connect({ transport: "unix", path });
}

/** Everything that comes until the end, orderly or not. */
async function rest(connection: Deno.UnixConn): Promise<string> {
  const buffer = new Uint8Array(65_536);
  let text = "";
  try {
    for (
      let length = await connection.read(buffer);
      length !== null;
      length = await connection.read(buffer)
    ) text += new TextDecoder().decode(buffer.subarray(0, length));
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return text;
}

async function ask(path: string, ...pieces: string[]): Promise<string> {
  const connection = await connect(path);
  for (const piece of pieces) await connection.write(encode(piece));
  const text = await rest(connection);
  connection.close();
  return text;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("a request is answered with one line, whatever pieces it comes in", async () => {
  await using directory = new ControlDirectory();
  const server = await ControlServer.listen(directory.path, handler);
  const answer = JSON.stringify(sampleStatus()) + "\n";
  assertEquals(await ask(server.path, '{"get":"status"}\n'), answer);
  assertEquals(await ask(server.path, '{"get":', '"status"}', "\n"), answer);
  assertEquals(await ask(server.path, '{"get":"status"}\n{"get":"status"}\n'), answer);
  await server.close();
});

Deno.test("the socket is this process's, in a directory that is nobody else's", async () => {
  await using directory = new ControlDirectory();
  const path = `${directory.path}/new/deep`;
  const server = await ControlServer.listen(path, handler);
  assertEquals(server.path, `${path}/${Deno.pid}.sock`);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o700);
  assert((await Deno.stat(server.path)).isSocket);
  await server.close();
  assertEquals(await exists(server.path), false);
});

Deno.test("what is no request gets an error, and the next one its answer", async () => {
  await using directory = new ControlDirectory();
  const server = await ControlServer.listen(directory.path, handler);
  const unknown = '{"error":"Unknown request"}\n';
  for (const request of ["\n", "GET / HTTP/1.1\r\n", '{"get":"password"}\n', "\x00\xff\n"]) {
    assertEquals(await ask(server.path, request), unknown);
  }
  assertEquals(await ask(server.path, "x".repeat(5_000)), unknown);
  assertEquals(await ask(server.path, "x".repeat(4_096) + "\n"), unknown);
  assertEquals(JSON.parse(await ask(server.path, '{"get":"status"}\n')).pid, 4711);
  await server.close();
});

Deno.test("stop is answered before it begins, for it closes the connection", async () => {
  await using directory = new ControlDirectory();
  let closed: Promise<void> | undefined;
  const stopping = { ...handler, stop: () => void (closed = server.close()) };
  const server = await ControlServer.listen(directory.path, stopping);
  assertEquals(await ask(server.path, '{"do":"stop"}\n'), '{"ok":true}\n');
  await closed;
  assertEquals(await exists(server.path), false);
});

Deno.test("stop is done also when nobody waits for its answer", async () => {
  await using directory = new ControlDirectory();
  const stopped = Promise.withResolvers<void>();
  const server = await ControlServer.listen(directory.path, {
    ...handler,
    stop: stopped.resolve,
  });
  const asker = await connect(server.path);
  await asker.write(encode('{"do":"stop"}\n'));
  asker.close();
  await stopped.promise;
  await server.close();
});

Deno.test("confirm is answered with what became of it", async () => {
  await using directory = new ControlDirectory();
  let left = 1;
  const confirm = () => {
    if (left-- === 0) throw new UserError("Nothing waits to be confirmed");
  };
  const server = await ControlServer.listen(directory.path, { ...handler, confirm });
  assertEquals(await ask(server.path, '{"do":"confirm"}\n'), '{"ok":true}\n');
  const refused = '{"error":"Nothing waits to be confirmed"}\n';
  assertEquals(await ask(server.path, '{"do":"confirm"}\n'), refused);
  await server.close();
});

Deno.test("who cannot be stopped or confirmed says that it does not know how", async () => {
  await using directory = new ControlDirectory();
  const server = await ControlServer.listen(directory.path, handler);
  for (const request of ['{"do":"stop"}\n', '{"do":"confirm"}\n']) {
    assertEquals(await ask(server.path, request), '{"error":"Unknown request"}\n');
  }
  await server.close();
});

Deno.test("an asker that goes away early harms nobody", async () => {
  await using directory = new ControlDirectory();
  const large = { status: () => sampleStatus({ version: "x".repeat(4 << 20) }) };
  const server = await ControlServer.listen(directory.path, large);
  (await connect(server.path)).close();
  const halfway = await connect(server.path);
  await halfway.write(encode('{"get"'));
  halfway.close();
  const deaf = await connect(server.path);
  await deaf.write(encode('{"get":"status"}\n'));
  assertEquals(await deaf.read(new Uint8Array(1)), 1);
  deaf.close();
  assertEquals((await ask(server.path, '{"get":"status"}\n')).length > 4 << 20, true);
  await server.close();
});

Deno.test("askers that hang block neither others nor the end", async () => {
  await using directory = new ControlDirectory();
  const large = { status: () => sampleStatus({ version: "x".repeat(4 << 20) }) };
  const server = await ControlServer.listen(directory.path, large);
  const silent = await connect(server.path);
  const deaf = await connect(server.path);
  await deaf.write(encode('{"get":"status"}\n'));
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => ask(server.path, '{"get":"status"}\n')),
  );
  for (const answer of answers) assertEquals(JSON.parse(answer).pid, 4711);
  await server.close();
  assertEquals(await rest(silent), "");
  silent.close();
  deaf.close();
});

Deno.test("however many hang, there is room: the oldest goes", async () => {
  await using directory = new ControlDirectory();
  const server = await ControlServer.listen(directory.path, handler);
  const hanging: Deno.UnixConn[] = [];
  for (let i = 0; i < CROWD; i++) hanging.push(await connect(server.path));
  assertEquals(JSON.parse(await ask(server.path, '{"get":"status"}\n')).pid, 4711);
  assertEquals(await rest(hanging[0]!), "");
  const last = hanging.at(-1)!;
  await last.write(encode('{"get":"status"}\n'));
  assertEquals(JSON.parse(await rest(last)).pid, 4711);
  await server.close();
  for (const connection of hanging) connection.close();
});

Deno.test("closing twice, and at once, is closing", async () => {
  await using directory = new ControlDirectory();
  const server = await ControlServer.listen(directory.path, handler);
  await Promise.all([server.close(), server.close()]);
  await server.close();
  assertEquals(await exists(server.path), false);
  const next = await ControlServer.listen(directory.path, handler);
  assertEquals(JSON.parse(await ask(next.path, '{"get":"status"}\n')).pid, 4711);
  await next.close();
});

Deno.test("the socket of a process that was killed and had this number is replaced", async () => {
  await using directory = new ControlDirectory();
  const path = `${directory.path}/${Deno.pid}.sock`;
  await Deno.writeTextFile(path, "");
  const server = await ControlServer.listen(directory.path, handler);
  assertEquals(JSON.parse(await ask(path, '{"get":"status"}\n')).pid, 4711);
  await server.close();
});

Deno.test("a socket that somebody has removed is no trouble at the end", async () => {
  await using directory = new ControlDirectory();
  const server = await ControlServer.listen(directory.path, handler);
  await Deno.remove(server.path);
  await server.close();
});

for (const mode of [0o701, 0o710, 0o755, 0o777]) {
  Deno.test(`a directory that others can get at is refused (${mode.toString(8)})`, async () => {
    await using directory = new ControlDirectory();
    await Deno.chmod(directory.path, mode);
    const error = await assertRejects(
      () => ControlServer.listen(directory.path, handler),
      UserError,
      "others can get at it",
    );
    assertEquals(error.hint, `sudo rm -r ${directory.path}`);
    assertEquals([...Deno.readDirSync(directory.path)], []);
  });
}

Deno.test("a link to a directory is refused: it may be changed under our feet", async () => {
  await using directory = new ControlDirectory();
  await Deno.mkdir(`${directory.path}/real`, { mode: 0o700 });
  await Deno.symlink(`${directory.path}/real`, `${directory.path}/link`);
  await assertRejects(
    () => ControlServer.listen(`${directory.path}/link`, handler),
    UserError,
    "others can get at it",
  );
});

Deno.test("out of descriptors nobody is answered, for a while, and nothing ends", async () => {
  const program = new URL("../../support/control_without_descriptors.ts", import.meta.url).pathname;
  const run = `ulimit -n 80; exec "$0" run -A --no-check --quiet "$1"`;
  assertEquals(await must(["sh", "-c", run, Deno.execPath(), program]), "answered\n");
});
