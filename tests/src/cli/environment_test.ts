import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { realEnvironment, writeAll } from "../../../src/cli/environment.ts";

Deno.test("writeAll writes on after a short write, and waits for a reader that is behind", () => {
  const written: number[] = [];
  let calls = 0;
  writeAll({
    writeSync(bytes) {
      if (++calls === 2) throw new Deno.errors.WouldBlock("full");
      const count = Math.min(3, bytes.length);
      written.push(...bytes.subarray(0, count));
      return count;
    },
  }, "häßlich\n");
  assertEquals(new TextDecoder().decode(new Uint8Array(written)), "häßlich\n");
});

Deno.test("writeAll: a reader that went away is no error, a full disk is", () => {
  const throwing = (error: Error) => ({
    writeSync(): number {
      throw error;
    },
  });
  writeAll(throwing(new Deno.errors.BrokenPipe("gone")), "x");
  assertThrows(() => writeAll(throwing(new Error("ENOSPC")), "x"), Error, "ENOSPC");
});

Deno.test("an empty variable counts as not set", () => {
  const { env } = realEnvironment();
  Deno.env.set("ZTUN_TEST_ENVIRONMENT", "");
  assertEquals(env("ZTUN_TEST_ENVIRONMENT"), undefined);
  Deno.env.set("ZTUN_TEST_ENVIRONMENT", "x");
  assertEquals(env("ZTUN_TEST_ENVIRONMENT"), "x");
  Deno.env.delete("ZTUN_TEST_ENVIRONMENT");
});

Deno.test("selfCommand runs this program again, from any directory", async () => {
  const [program = "", ...args] = realEnvironment().selfCommand();
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args, "version"],
    cwd: "/",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  assert(new TextDecoder().decode(stdout).startsWith("ztun "));
});

Deno.test("randomBytes differ, signals can be listened to and let go", () => {
  const environment = realEnvironment();
  const [one, other] = [environment.randomBytes(16), environment.randomBytes(16)];
  assertEquals([one.length, other.length], [16, 16]);
  assertNotEquals(one, other);
  const listener = () => {};
  environment.addSignalListener("SIGUSR2", listener);
  environment.removeSignalListener("SIGUSR2", listener);
});
