import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Command } from "../../../src/cli/command.ts";
import { commands } from "../../../src/cli/commands.ts";
import { parseCommandLine } from "../../../src/cli/parse_command_line.ts";
import { Exit, UserError } from "../../../src/errors.ts";

function find(name: string): Command {
  const command = commands.find((command) => command.name === name);
  if (command === undefined) throw new Error(`No command ${name}`);
  return command;
}

function parse(name: string, ...args: string[]) {
  return parseCommandLine(find(name), args);
}

function failure(name: string, ...args: string[]): string {
  const error = assertThrows(() => parse(name, ...args), UserError);
  assertEquals(error.exitCode, Exit.Usage);
  return error.message;
}

Deno.test("values stand behind a flag or behind =", () => {
  const { settings } = parse("up", "--mtu", "1400", "--grace=2m30s", "--socks", "[::1]:1080");
  assertEquals(Object.fromEntries(settings), {
    "tun.mtu": 1400,
    "timeouts.grace": 150_000,
    "proxy.socks": { host: "::1", port: 1080 },
  });
});

Deno.test("what is a list repeats, everything else may stand once", () => {
  const { settings } = parse("up", "--include", "10.0.0.0/8", "--include=2001:db8::/32");
  assertEquals(settings.get("capture.include"), ["10.0.0.0/8", "2001:db8::/32"]);
  assertEquals(failure("up", "--mtu=1400", "--mtu=1400"), "Flag --mtu is given twice");
  assertEquals(failure("up", "-v", "--verbose"), "Flag --verbose is given twice");
});

Deno.test("switches need no value and take true and false", () => {
  assertEquals(parse("up", "--early-accept").settings.get("earlyAccept"), true);
  assertEquals(parse("up", "--early-accept=false").settings.get("earlyAccept"), false);
  assertEquals(failure("up", "--early-accept=maybe"), "Flag --early-accept takes no value");
  assertEquals(parse("socks", "--no-udp").settings.get("socks.udp"), false);
  assertEquals(parse("socks", "--no-udp=false").settings.get("socks.udp"), true);
  assertEquals(parse("up", "--no-routes").settings.get("capture.routes"), false);
});

Deno.test("a missing value is not taken from the next flag", () => {
  assertEquals(failure("up", "--mtu"), "Flag --mtu needs a value: --mtu=N");
  assertEquals(failure("up", "--tun", "--mtu", "1400"), "Flag --tun needs a value: --tun=NAME");
  assertEquals(failure("up", "--tun="), 'Invalid value for --tun: "" is no name for a device');
});

Deno.test("unknown flags name the nearest, and never their value", () => {
  assertEquals(failure("up", "--incude=x"), 'Unknown flag "--incude"; did you mean --include?');
  assertEquals(
    failure("up", "--password=hunter2"),
    'Unknown flag "--password"; did you mean --password-file?',
  );
  assertEquals(failure("up", "-x"), 'Unknown flag "-x"');
  assertEquals(failure("version", "--mtu=5"), 'Unknown flag "--mtu"');
});

Deno.test("a flag of another command is unknown here", () => {
  assertEquals(failure("exec", "--strict", "--", "x").startsWith("Unknown flag"), true);
  assertEquals(failure("exec", "--tun=t0", "--", "x").startsWith("Unknown flag"), true);
  assertEquals(failure("socks", "--socks=h:1").startsWith("Unknown flag"), true);
});

Deno.test("--user and --password-file belong to the proxy, or to the server", () => {
  const args = ["--user=a", "--password-file=f"];
  assertEquals([...parse("up", ...args).settings.keys()], ["proxy.user", "proxy.passwordFile"]);
  assertEquals([...parse("socks", ...args).settings.keys()], ["socks.user", "socks.passwordFile"]);
});

Deno.test("exec: everything from the first word, or from --, is the command's", () => {
  const rest = ["curl", "-v", "--", "--mtu"];
  assertEquals(parse("exec", "--mtu=1400", ...rest).rest, rest);
  assertEquals(parse("exec", "--mtu", "1400", "--", ...rest).rest, rest);
  assertEquals(parse("exec", "--", "--odd").rest, ["--odd"]);
  assertEquals(failure("exec"), "No command is given");
  assertEquals(failure("exec", "--mtu=1400", "--"), "No command is given");
});

Deno.test("positionals are counted; behind -- they may begin with a dash", () => {
  assertEquals(parse("check", "f.json").positionals, ["f.json"]);
  assertEquals(parse("check", "--", "-f").positionals, ["-f"]);
  assertEquals(failure("check", "a", "b"), 'Unexpected argument "b"');
  assertEquals(failure("completion"), "Argument <SHELL> is missing");
  assertEquals(parse("completion", "--help").flags.help, true);
});

Deno.test("an argument that may hold a password is quoted without it", () => {
  assertEquals(
    failure("up", "socks5://alice:hunter2@h:1"),
    'Unexpected argument "socks5://***@h:1"',
  );
  const message = failure("up", "--proxy", "alice:hunter2");
  assertEquals(message, "Invalid value for --proxy: has a port that is not 1 to 65535");
});

Deno.test("raw commands get their arguments unread", () => {
  const args = ["--help", "--", "-x", "--mtu=1"];
  assertEquals(parse("__inside", ...args).rest, args);
  assertEquals(parse("__complete", ...args).rest, args);
});

Deno.test("property: any arguments are read, or refused with a usage error", () => {
  const word = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("--mtu", "--mtu=1500", "--", "-v", "-", "--include", "10.0.0.0/8", "--help"),
    fc.string().map((text) => `--${text}`),
  );
  const names = commands.map(({ name }) => name);
  fc.assert(fc.property(fc.constantFrom(...names), fc.array(word), (name, args) => {
    try {
      parse(name, ...args);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      assertEquals(error.exitCode, Exit.Usage);
    }
  }));
});
