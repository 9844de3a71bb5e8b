import { assertEquals, assertThrows } from "@std/assert";
import { parseOptions, UsageError } from "./options.ts";
import { SCENARIO_NAMES } from "./scenario_names.ts";

function refuses(args: string[], message: string): void {
  assertThrows(() => parseOptions(args), UsageError, message);
}

Deno.test("options: without any, everything is measured three times", () => {
  assertEquals(parseOptions([]), {
    engines: ["default"],
    workers: [],
    peers: [],
    server: undefined,
    scenarios: SCENARIO_NAMES,
    rounds: 3,
    seconds: 3,
    idleSeconds: 20,
    settleSeconds: 10,
    from: [],
    json: undefined,
    svg: undefined,
    readme: false,
    keep: false,
    help: false,
  });
});

Deno.test("options: lists, numbers, files, both ways of giving a value", () => {
  const options = parseOptions([
    ...["--engines", "async,uring", "--workers=1,2", "--rounds", "5", "--seconds=8"],
    ...["--json", "out.json", "--svg=out.svg", "--keep", "--help"],
  ]);
  assertEquals(options.engines, ["async", "uring"]);
  assertEquals(options.workers, [1, 2]);
  assertEquals([options.rounds, options.seconds], [5, 8]);
  assertEquals([options.json, options.svg], ["out.json", "out.svg"]);
  assertEquals([options.keep, options.help], [true, true]);
});

Deno.test("options: scenarios run in their own order", () => {
  assertEquals(parseOptions(["--scenarios", "crr,idle,tcp-up-1"]).scenarios, [
    "idle",
    "tcp-up-1",
    "crr",
  ]);
  refuses(["--scenarios", "idle,sleep"], 'There is no scenario "sleep"');
});

Deno.test("options: quick is short, and says nothing against other lengths", () => {
  const quick = parseOptions(["--quick"]);
  assertEquals([quick.rounds, quick.seconds, quick.idleSeconds, quick.settleSeconds], [3, 1, 5, 2]);
  assertEquals(parseOptions(["--quick", "--seconds", "2"]).seconds, 2);
});

Deno.test("options: results of earlier runs, and where they go", () => {
  const options = parseOptions(["--from", "a.json", "--readme", "--from=b.json"]);
  assertEquals(options.from, ["a.json", "b.json"]);
  assertEquals(options.readme, true);
});

Deno.test("options: peers with configuration and MTU, in any order", () => {
  const { peers } = parseOptions([
    ...["--peer-mtu", "hev=8500", "--peer", "hev=hev-socks5-tunnel {config}"],
    ...["--peer=other=other --proxy={proxy_host}", "--peer-config", "hev=hev.yml"],
    "--peer-title=hev=hev-socks5-tunnel 2.16",
  ]);
  assertEquals(peers, [
    {
      name: "hev",
      command: "hev-socks5-tunnel {config}",
      configTemplate: "hev.yml",
      mtu: 8500,
      title: "hev-socks5-tunnel 2.16",
    },
    {
      name: "other",
      command: "other --proxy={proxy_host}",
      configTemplate: undefined,
      mtu: 1500,
      title: "other",
    },
  ]);
});

Deno.test("options: another server", () => {
  const args = ["--server", "dante=danted -f {config}", "--server-config", "dante=danted.conf"];
  assertEquals(parseOptions(args).server, {
    name: "dante",
    command: "danted -f {config}",
    configTemplate: "danted.conf",
  });
});

Deno.test("options: what is wrong is said", () => {
  refuses(["--speed"], "Unknown argument --speed");
  refuses(["fast"], "Unknown argument fast");
  refuses(["--quick=yes"], "Unknown argument --quick=yes");
  refuses(["--json"], "--json needs a value");
  refuses(["--rounds", "3", "--rounds=4"], "--rounds is given twice");
  refuses(["--rounds", "2"], "--rounds takes a whole number from 3");
  refuses(["--seconds", "1.5"], "--seconds takes a whole number from 1");
  refuses(["--workers", "0"], "--workers takes a whole number from 1");
});

Deno.test("options: names of peers are their own, and each one's extras name it", () => {
  refuses(["--peer", "hev"], "--peer takes NAME=VALUE");
  refuses(["--peer", "proxy=tun"], 'The name "proxy" is taken');
  refuses(["--peer", "ztun-2=tun"], 'The name "ztun-2" is taken');
  refuses(["--peer", "a=tun", "--peer", "a=other"], 'The name "a" is taken');
  refuses(["--peer-mtu", "hev=8500"], '--peer-mtu names "hev"');
  refuses(["--peer-title", "hev=hev 2"], '--peer-title names "hev"');
  refuses(["--peer", "a=tun", "--peer-config", "b=file"], '--peer-config names "b"');
  refuses(["--peer", "a=tun", "--peer-mtu", "a=big"], "--peer-mtu takes a whole number");
});
