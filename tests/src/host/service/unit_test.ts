import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { marked } from "../../../../src/host/service/unit_mark.ts";
import { stopSeconds, type UnitOptions, unitText } from "../../../../src/host/service/unit.ts";
import { toolTest } from "../../../support/tool_test.ts";

const options: UnitOptions = {
  program: { words: ["/usr/bin/ztun"], environment: {} },
  flags: ["--socks=127.0.0.1:1080", "--password-file=/etc/a b"],
  graceMs: 5_000,
  strict: false,
};

/** Sections, and in them what is said under each name; throws at what is no unit file. */
function read(text: string): Map<string, Map<string, string[]>> {
  const sections = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | undefined;
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const title = /^\[([A-Z][a-z]+)\]$/.exec(line)?.[1];
    if (title !== undefined) sections.set(title, section = new Map());
    else {
      const [, name, value] = /^([A-Z][A-Za-z]+)=(\S|\S.*\S)$/.exec(line) ?? assert(false, line);
      section!.set(name!, [...section!.get(name!) ?? [], value!]);
    }
  }
  return sections;
}

function service(changes: Partial<UnitOptions> = {}): Map<string, string[]> {
  return read(unitText({ ...options, ...changes })).get("Service")!;
}

Deno.test("the unit runs up with its flags, and cleanup when it died", () => {
  const text = unitText(options);
  assertEquals([...read(text).keys()], ["Unit", "Service", "Install"]);
  const keys = service();
  assertEquals(keys.get("ExecStart"), [
    '/usr/bin/ztun up --socks=127.0.0.1:1080 "--password-file=/etc/a b"',
  ]);
  assertEquals(keys.get("ExecStopPost"), ["/usr/bin/ztun cleanup"]);
  assertEquals(keys.get("Type"), ["notify"]);
  assertEquals(keys.get("Environment"), undefined);
});

Deno.test("from source, the variables are in the unit", () => {
  const words = ["/usr/bin/deno", "run", "-A", "file:///opt/my%20ztun/main.ts"];
  const keys = service({ program: { words, environment: { DENO_DIR: "/a b", X: "1" } } });
  assertEquals(keys.get("Environment"), ['"DENO_DIR=/a b"', "X=1"]);
  assertStringIncludes(keys.get("ExecStart")![0]!, "file:///opt/my%%20ztun/main.ts up ");
});

Deno.test("a kill switch is not lifted by a tunnel that died", () => {
  assertEquals(service({ strict: true }).get("ExecStopPost"), undefined);
});

Deno.test("nothing is said twice, no line is longer than a screen but those with words of others", () => {
  for (const [title, keys] of read(unitText(options))) {
    for (const [name, values] of keys) assertEquals(values.length, 1, `${title} ${name}`);
  }
  for (const line of unitText({ ...options, flags: [] }).split("\n")) {
    assert(line.length <= 120, line);
  }
});

Deno.test("systemd waits for the flows' grace, and for the undoing", () => {
  assertEquals(stopSeconds(0), 30);
  assertEquals(stopSeconds(5_000), 35);
  assertEquals(service({ graceMs: 600_000 }).get("TimeoutStopSec"), ["630"]);
});

toolTest("systemd-analyze", "systemd itself finds nothing wrong with the unit", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // It looks whether the program is there.
    const words = [Deno.execPath(), "run", "50% $HOME", ";", 'a"b\\c\nd'];
    const program = { words, environment: { DENO_DIR: "/a b/50%" } };
    const path = `${folder}/ztun-verified.service`;
    await Deno.writeTextFile(path, await marked(unitText({ ...options, program })));
    const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: ["verify", "--man=no", path],
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    // Units of the machine that the test runs on may have faults of their own.
    assertEquals(said.split("\n").filter((line) => line.includes("ztun-verified")), [], said);
    assertEquals(code, 0, said);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
