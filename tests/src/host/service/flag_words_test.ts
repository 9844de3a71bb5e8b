import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../../src/cli/parse_command_line.ts";
import { command as up } from "../../../../src/cli/commands/up.ts";
import { UserError } from "../../../../src/errors.ts";
import { flagWords, refuseVariables } from "../../../../src/host/service/flag_words.ts";

function given(...args: string[]) {
  return parseCommandLine(up, args).settings;
}

function words(...args: string[]): string[] {
  return flagWords(given(...args), "/home/tester");
}

Deno.test("flags are said again as they were meant", () => {
  const args = ["--socks", "[2001:db8::1]:1080", "--mtu", "9000", "--grace=1m30s", "--udp", "off"];
  const expected = [
    "--socks=[2001:db8::1]:1080",
    "--mtu=9000",
    "--grace=1m30s",
    "--udp=off",
  ];
  assertEquals(words(...args), expected);
  assertEquals(words("--max-flow-bytes=1048576"), ["--max-flow-bytes=1MiB"]);
});

Deno.test("said again they set the same", () => {
  const args = [
    ...["--socks=h:1", "--user=alice", "--password-file=/p w", "--tun=t0", "--workers=2"],
    ...["--address=198.18.0.1/30", "--address=fd00::1/64", "--mtu=1280", "--offload=off"],
    ...["--engine=uring", "--ping=refuse", "--early-accept", "--max-total-bytes=128MiB"],
    ...["--dns-timeout=1500ms", "--tcp-idle-timeout=2h", "--log-level=debug", "--log-format=json"],
  ];
  assertEquals(parseCommandLine(up, words(...args)).settings, given(...args));
});

Deno.test("a switch that is off stays off, and lists stay lists", () => {
  assertEquals(words("--early-accept=false"), ["--early-accept=false"]);
  assertEquals(words("--early-accept"), ["--early-accept"]);
  assertEquals(words("--address=198.18.0.1/30", "--address=fd00::1/64"), [
    "--address=198.18.0.1/30",
    "--address=fd00::1/64",
  ]);
  assertEquals(flagWords(new Map([["socks.udp", false]]), "/"), ["--no-udp"]);
});

Deno.test("files are named from the root", () => {
  assertEquals(words("--password-file=key"), ["--password-file=/home/tester/key"]);
  assertEquals(words("--password-file=/etc/key"), ["--password-file=/etc/key"]);
  const lists = new Map([["capture.include", ["@list", "@/etc/list", "10.0.0.0/8"]]]);
  assertEquals(flagWords(lists, "/home/tester").map((word) => word.split("=")[1]), [
    "@/home/tester/list",
    "@/etc/list",
    "10.0.0.0/8",
  ]);
});

Deno.test("a proxy's URL is taken apart, and its password is refused", () => {
  assertEquals(words("--proxy=socks5://al%20ice@h:1"), ["--socks=h:1", "--user=al ice"]);
  assertEquals(words("--proxy=socks5://[::1]"), ["--socks=[::1]:1080"]);
  const error = assertThrows(() => words("--proxy=socks5://alice:hunter2@h:1"), UserError);
  assertEquals(error.message.includes("hunter2"), false);
  assertEquals(error.exitCode, 2);
});

Deno.test("variables that the service would not have are refused, unless a flag says it", () => {
  const refuse = (variables: Record<string, string>, ...args: string[]) =>
    refuseVariables(up.settings, given(...args), (name) => variables[name]);
  refuse({});
  refuse({ ZTUN_MTU: "9000" }, "--mtu=1500");
  refuse({ ZTUN_SOCKS_LISTEN: "127.0.0.1:1" });
  const plain = assertThrows(() => refuse({ ZTUN_MTU: "9000" }), UserError);
  assertEquals(plain.hint, "Say --mtu instead, or `unset ZTUN_MTU`");
  const secret = assertThrows(() => refuse({ ZTUN_PASSWORD: "hunter2" }), UserError);
  assertEquals(secret.message.includes("hunter2"), false);
  assertEquals(secret.hint?.includes("--password-file"), true);
});
