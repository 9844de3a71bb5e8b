import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../../../../src/cli/run.ts";
import { Exit } from "../../../../src/errors.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeEnvironment, type FakeWorld } from "../fake_environment.ts";

/** `ztun socks` on a free port, until it is told to stop. */
class RunningSocks implements AsyncDisposable {
  readonly environment: FakeEnvironment;
  readonly code: Promise<number>;

  constructor(flags: readonly string[] = [], world: FakeWorld = {}) {
    this.environment = new FakeEnvironment(world);
    this.code = run(["socks", "--listen", "127.0.0.1:0", ...flags], this.environment);
  }

  port(): Promise<number> {
    return eventually("a listening server", () => {
      const said = /listening on 127\.0\.0\.1:(\d+)/.exec(this.environment.stderr);
      return said === null ? undefined : Number(said[1]);
    });
  }

  stop(): void {
    for (const listener of this.environment.listeners.get("SIGTERM") ?? []) listener();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.code;
  }
}

/** Says `bytes` to the server; so many bytes of what it answers. */
async function say(port: number, bytes: number[], length: number): Promise<number[]> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(Uint8Array.from(bytes));
  const answer = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = await connection.read(answer.subarray(at));
    if (read === null) return [...answer.subarray(0, at)];
    at += read;
  }
  return [...answer];
}

Deno.test("socks serves what the flags say until a signal, and exits 0", async () => {
  await using socks = new RunningSocks();
  assertEquals(await say(await socks.port(), [5, 1, 0], 2), [5, 0]);
  socks.stop();
  assertEquals(await socks.code, Exit.Ok);
  assertEquals(socks.environment.stdout, "");
  assertEquals([...socks.environment.listeners.values()].map((set) => set.size), [0, 0]);
});

Deno.test("socks with a user lets nobody in without, and never shows the password", async () => {
  const world = { files: { key: "hunter2\n" } };
  await using socks = new RunningSocks(["--user=alice", "--password-file=key", "-v"], world);
  const port = await socks.port();
  assertEquals(await say(port, [5, 1, 0], 2), [5, 0xff]);
  const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
  const signIn = [5, 1, 2, 1, ...text("alice"), ...text("hunter2")];
  assertEquals(await say(port, signIn, 4), [5, 2, 1, 0]);
  assertEquals(socks.environment.stderr.includes("hunter2"), false);
});

Deno.test("socks --no-udp refuses ASSOCIATE", async () => {
  await using socks = new RunningSocks(["--no-udp"]);
  const associate = [5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0];
  assertEquals(await say(await socks.port(), associate, 4), [5, 0, 5, 7]);
});

Deno.test("socks: an address that is taken is an error with a hint", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const environment = new FakeEnvironment();
  const listen = `--listen=127.0.0.1:${taken.addr.port}`;
  assertEquals(await run(["socks", listen], environment), Exit.Failed);
  assertMatch(environment.stderr, /^error: .*\n(.*\n)*\nhint: /);
  assertStringIncludes(environment.stderr, String(taken.addr.port));
});

Deno.test("socks: a user without a password, and a name to listen on, are usage errors", async () => {
  for (const flags of [["--user=alice"], ["--listen=localhost:1080"], ["--listen=1080"]]) {
    const environment = new FakeEnvironment();
    assertEquals(await run(["socks", ...flags], environment), Exit.Usage);
  }
});
