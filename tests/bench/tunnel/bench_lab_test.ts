import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { must } from "../../support/process.ts";
import { rootTest } from "../../support/root.ts";
import { ECHO, ECHO_PORT, WEB } from "./addresses.ts";
import { BenchLab } from "./bench_lab.ts";
import { VARIANTS } from "./fixtures.ts";
import { parseResult } from "./load_result.ts";
import { program } from "./programs.ts";

const OPTIONS = { server: undefined, keep: false };

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

rootTest(
  "bench lab: only the direct client reaches a destination; all goes with the lab",
  async () => {
    const lab = await BenchLab.create(VARIANTS, OPTIONS);
    try {
      await lab.build();
      await lab.serve("echo", program("echo_server.ts", ECHO), WEB, ECHO_PORT);
      const [direct, proxy] = lab.clients;
      const result = await lab.output(direct!.program("rr.ts", ECHO, "0"), 30);
      assertEquals(parseResult<"count">(result).count, 0);
      assertEquals(await direct!.namespace.connects(WEB, ECHO_PORT), true);
      assertEquals(await proxy!.namespace.connects(WEB, ECHO_PORT), false);
    } finally {
      await lab[Symbol.asyncDispose]();
    }
    assert(!(await must(["ip", "netns", "list"])).includes(lab.prefix));
    assert(!exists(lab.directory));
  },
);

rootTest("bench lab: a program of a peer, and its configuration", async () => {
  const lab = await BenchLab.create([], OPTIONS);
  try {
    const template = `${lab.directory}/template`;
    await Deno.writeTextFile(template, "port: {proxy_port}\n");
    const command = lab.fillProgram("hev", "hev {config}", template, lab.proxyValues);
    assertEquals(command, `hev ${lab.directory}/hev.conf`);
    assertStringIncludes(await Deno.readTextFile(`${lab.directory}/hev.conf`), "port: 1080");
  } finally {
    await lab[Symbol.asyncDispose]();
  }
});
