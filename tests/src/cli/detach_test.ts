import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { detach } from "../../../src/cli/detach.ts";
import { askToStop, readStatuses } from "../../../src/control/client.ts";
import { UserError } from "../../../src/errors.ts";
import { realMachine } from "../../../src/host/machine.ts";
import { detachProgram } from "../../support/detach_program.ts";
import { eventually } from "../../support/eventually.ts";
import { run } from "../../support/process.ts";
import { ControlDirectory } from "../control/fixtures.ts";
import { FakeEnvironment } from "./fake_environment.ts";

const PATIENCE_MS = 60_000;
/** Greater than any process id. */
const NOBODY = 2 ** 22 + 1;

/** A world whose own program is the small one. */
class Rig extends FakeEnvironment implements AsyncDisposable {
  readonly sockets: string;
  readonly #directory: ControlDirectory;

  constructor(directory = new ControlDirectory()) {
    super({ variables: { XDG_RUNTIME_DIR: directory.path } });
    this.#directory = directory;
    this.sockets = `${directory.path}/ztun`;
  }

  /** The detached one inherits the real environment: its directory is told on the way. */
  override selfCommand(): string[] {
    return ["env", `XDG_RUNTIME_DIR=${this.#directory.path}`, ...detachProgram()];
  }

  files(): string[] {
    return [...Deno.readDirSync(this.sockets)].map(({ name }) => name).sort();
  }

  logs(): string {
    return this.files().filter((name) => name.endsWith(".log"))
      .map((name) => Deno.readTextFileSync(`${this.sockets}/${name}`)).join("");
  }

  raise(signal: Deno.Signal): void {
    for (const listener of this.listeners.get(signal) ?? []) listener();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

function sessionOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
}

Deno.test("detach returns when the tunnel serves, which goes on in a session of its own", async () => {
  await using directory = new ControlDirectory();
  const sockets = `${directory.path}/ztun`;
  const env = { XDG_RUNTIME_DIR: directory.path, ZTUN_PASSWORD: "hunter2" };
  const command = detachProgram("detach", "serve", "--detach", "--mtu=9000");
  const { code, stdout, stderr } = await run(command, { env, cwd: directory.path });
  const [{ pid } = { pid: 0 }] = await readStatuses(sockets);
  try {
    assertEquals([code, stdout, stderr.split("\n")], [0, "", [
      "got serve --mtu=9000 and hunter2",
      `reads null, is in ${await Deno.realPath(directory.path)}`,
      `It goes on as process ${pid}; its log is ${sockets}/${pid}.log`,
      "",
    ]]);
    assertEquals(sessionOf(pid), pid);
    assertEquals(Deno.statSync(`${sockets}/${pid}.log`).mode! & 0o777, 0o600);
    assert(await askToStop(sockets, pid));
    await eventually(
      "its end",
      () => realMachine.startTime(pid) === undefined || undefined,
      PATIENCE_MS,
    );
    assertEquals([...Deno.readDirSync(sockets)], []);
  } finally {
    if (pid !== 0 && realMachine.startTime(pid) !== undefined) Deno.kill(pid, "SIGKILL");
  }
});

Deno.test("detach shows why the tunnel ended before it was ready, and keeps nothing", async () => {
  await using rig = new Rig();
  assertEquals(await detach(rig, ["fail"]), 4);
  assertEquals([rig.stdout, rig.stderr], ["", "error: Nothing is as it should be\n"]);
  assertEquals(rig.files(), []);
  assertEquals([...rig.listeners.values()].map((set) => set.size), [0, 0]);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`detach: ${signal} while it waits ends the tunnel in order`, async () => {
    await using rig = new Rig();
    const code = detach(rig, ["wait", "--detach=true"]);
    const ready = () => rig.files().some((name) => name.endsWith(".sock")) || undefined;
    await eventually("a tunnel that starts", ready, PATIENCE_MS);
    assertStringIncludes(rig.logs(), "got wait and ");
    rig.raise(signal);
    // Its own exit code is 0, which would say that it runs.
    assertEquals(await code, 130);
    assertStringIncludes(rig.stderr, "ended in order\n");
    assertEquals(rig.files(), []);
  });
}

Deno.test("detach takes away the logs of dead processes, and no other file", async () => {
  await using rig = new Rig();
  await Deno.mkdir(rig.sockets, { mode: 0o700 });
  const living = `${Deno.pid}.log`;
  for (const name of [`${NOBODY}.log`, living, "notes.log"]) {
    await Deno.writeTextFile(`${rig.sockets}/${name}`, "");
  }
  await detach(rig, ["fail"]);
  assertEquals(rig.files(), [living, "notes.log"].sort());
});

Deno.test("detach: a program that is not there is named", async () => {
  await using rig = new Rig();
  rig.selfCommand = () => ["/no/such/program"];
  assertEquals(await detach(rig, []), 127);
  assertStringIncludes(rig.stderr, "/no/such/program");
  assertEquals(rig.files(), []);
});

Deno.test("detach: nothing is started where others could read the log", async () => {
  await using rig = new Rig();
  await Deno.mkdir(rig.sockets);
  await Deno.chmod(rig.sockets, 0o755);
  await assertRejects(() => detach(rig, ["fail"]), UserError, "others can get at it");
  assertEquals(rig.files(), []);
});
