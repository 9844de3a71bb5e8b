import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Command, CommandInput } from "../../../src/cli/command.ts";
import { run } from "../../../src/cli/run.ts";
import { Exit, UserError } from "../../../src/errors.ts";
import { getLogger } from "../../../src/log.ts";
import { FakeEnvironment, type FakeWorld } from "./fake_environment.ts";

/** Runs a command line of the real table. */
async function ztun(args: readonly string[], world: FakeWorld = {}) {
  const environment = new FakeEnvironment(world);
  const code = await run(args, environment);
  return { code, out: environment.stdout, err: environment.stderr };
}

/** A command that shows what it was given. */
function probe(body: (input: CommandInput) => number | Promise<number>): Command {
  return {
    name: "probe",
    summary: "Show what it was given",
    usage: ["probe"],
    settings: ["proxy", "device"],
    flags: [{ name: "json", meaning: "As JSON" }],
    positionals: [],
    takesCommand: true,
    examples: [],
    run: (input) => Promise.resolve(input).then(body),
  };
}

async function runProbe(
  args: readonly string[],
  body: Parameters<typeof probe>[0],
  world: FakeWorld = {},
) {
  const environment = new FakeEnvironment(world);
  const rest = args.includes("--") ? [] : ["--", "command"];
  const code = await run(["probe", ...args, ...rest], environment, [probe(body)]);
  return { code, out: environment.stdout, err: environment.stderr };
}

Deno.test("a command knows its command line as it was given, to start the program again", async () => {
  const given = ["--mtu", "9000", "--json", "--", "ls", "-l"];
  const { out } = await runProbe(given, ({ args, environment }) => {
    environment.out(args.join(" "));
    return Exit.Ok;
  });
  assertEquals(out, `probe ${given.join(" ")}`);
});

Deno.test("without a command, and with --help, the help goes to stdout", async () => {
  for (const args of [[], ["--help"], ["-h"], ["help"]]) {
    const { code, out, err } = await ztun(args);
    assertEquals([code, err], [Exit.Ok, ""]);
    assertStringIncludes(out, "COMMANDS");
  }
});

Deno.test("COMMAND --help is `help COMMAND`, whatever else stands there", async () => {
  const { code, out } = await ztun(["up", "--mtu", "1500", "-h"]);
  assertEquals(code, Exit.Ok);
  assertEquals(out, (await ztun(["help", "up"])).out);
});

Deno.test("an unknown command names the nearest, on stderr, with exit code 2", async () => {
  const { code, out, err } = await ztun(["exce"]);
  assertEquals([code, out], [Exit.Usage, ""]);
  assertEquals(err, 'error: Unknown command "exce"; did you mean exec?\n\nhint: `ztun help`\n');
});

Deno.test("hidden commands are not suggested, flags do not stand before the command", async () => {
  assertEquals((await ztun(["__insid"])).err.includes("did you mean"), false);
  assertStringIncludes((await ztun(["-v", "up"])).err, "Flags stand behind the command");
});

Deno.test("a command gets its settings merged, its flags and its rest", async () => {
  const args = ["--mtu=1400", "--json", "-v", "--config", "f.json", "--", "cmd", "-x"];
  const world = {
    variables: { ZTUN_PASSWORD: "p" },
    files: { "f.json": '{"proxy": {"url": "alice@h:1"}, "tun": {"mtu": 9000}}' },
  };
  const { code } = await runProbe(args, (input) => {
    assertEquals(input.settings.tun.mtu, 1400);
    assertEquals(input.settings.proxy, { host: "h", port: 1, user: "alice", password: "p" });
    assertEquals(input.flags.json, true);
    assertEquals(input.rest, ["cmd", "-x"]);
    assertEquals([input.verbose, input.quiet], [true, false]);
    assertEquals(input.configPath, "f.json");
    assertEquals(input.settings.log.level, "debug");
    return 42;
  }, world);
  assertEquals(code, 42);
});

Deno.test("a password in the command line is warned of, elsewhere it is not", async () => {
  const url = "socks5://alice:hunter2@h:1";
  const { code, err } = await runProbe(["--proxy", url], () => 0);
  assertEquals(code, Exit.Ok);
  assertMatch(err, /^warning: The password stands in the command line, .*--password-file/);
  assertEquals(err.includes("hunter2"), false);
  const world = { variables: { ZTUN_PROXY: url } };
  assertEquals((await runProbe([], () => 0, world)).err, "");
});

Deno.test("ZTUN_CONFIG names the file, --config overrules it", async () => {
  const files = { a: '{"tun":{"mtu":2000}}', b: '{"tun":{"mtu":3000}}' };
  const world = { files, variables: { ZTUN_CONFIG: "a" } };
  await runProbe([], ({ settings }) => (assertEquals(settings.tun.mtu, 2000), 0), world);
  await runProbe(
    ["--config=b"],
    ({ settings }) => (assertEquals(settings.tun.mtu, 3000), 0),
    world,
  );
});

Deno.test("--log-level overrules -v; -v and -q exclude each other", async () => {
  const level = (wanted: string) => ({ settings }: CommandInput) => {
    assertEquals(settings.log.level, wanted);
    return 0;
  };
  assertEquals((await runProbe(["-v", "--log-level=error"], level("error"))).err, "");
  assertEquals((await runProbe(["-q"], level("warning"))).err, "");
  assertEquals((await runProbe(["-v", "-q"], () => 0)).code, Exit.Usage);
});

Deno.test("logging goes to stderr while the command runs, and not after", async () => {
  const log = getLogger(["ztun", "probe"]);
  const { err } = await runProbe([], () => {
    log.info("hello");
    log.debug("hidden");
    return 0;
  });
  log.info("late");
  assertMatch(err, /^\S+Z info {4}probe: hello\n$/);
});

Deno.test("an error is shown with causes and hint; its exit code is the program's", async () => {
  const { code, out, err } = await runProbe([], () => {
    throw new UserError('Cannot open TUN device "ztun0"', {
      cause: new Error("TUNSETIFF failed: EPERM", { cause: new Error("deeper") }),
      hint: "Run `sudo ztun up`",
      exitCode: Exit.Permission,
    });
  });
  assertEquals([code, out], [Exit.Permission, ""]);
  assertEquals(
    err,
    'error: Cannot open TUN device "ztun0"\n' +
      "  Caused by: TUNSETIFF failed: EPERM\n" +
      "  Caused by: deeper\n\n" +
      "hint: Run `sudo ztun up`\n",
  );
});

Deno.test("a broken configuration stops commands that read it, and no others", async () => {
  const world = { variables: { ZTUN_CONFIG: "gone", ZTUN_LOG_LEVEL: "loud" } };
  assertEquals((await ztun(["check"], world)).code, Exit.Usage);
  for (const args of [["version"], ["help", "up"], ["completion", "zsh"]]) {
    assertEquals((await ztun(args, world)).code, Exit.Ok);
  }
});

Deno.test("colour is for terminals, and for those who ask", async () => {
  const terminals = ["stdout", "stderr"] as const;
  assertEquals((await ztun(["help"])).out.includes("\x1b"), false);
  assertEquals((await ztun(["help"], { terminals })).out.includes("\x1b["), true);
  assertEquals(
    (await ztun(["help"], { terminals, variables: { NO_COLOR: "1" } })).out.includes("\x1b"),
    false,
  );
  assertEquals((await ztun(["help", "--color=always"])).out.includes("\x1b["), true);
  assertEquals((await ztun(["nope", "--color", "always"])).err.includes("\x1b["), true);
  assertEquals((await ztun(["nope", "--color=never"], { terminals })).err.includes("\x1b"), false);
});
