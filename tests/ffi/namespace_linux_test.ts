import { assertEquals } from "@std/assert";
import { run } from "../support/process.ts";
import { rootTest } from "../support/root.ts";

const MODULE = new URL("../../ffi/namespace_linux.ts", import.meta.url).href;

/** Runs `script`, which has the module's functions as `own`, in a mount namespace of its own. */
async function inMountNamespace(script: string): Promise<string> {
  const source = `const own = await import(${JSON.stringify(MODULE)}); ${script}`;
  const deno = [Deno.execPath(), "eval", "--no-lock", source];
  const { code, stdout, stderr } = await run(["unshare", "--mount", ...deno]);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

rootTest(
  "a file in memory takes the place of another, and outlives its own directory",
  async () => {
    const directory = await Deno.makeTempDir();
    await Deno.writeTextFile(`${directory}/target`, "old");
    await Deno.mkdir(`${directory}/workshop`);
    const printed = await inMountNamespace(`
    const at = ${JSON.stringify(directory)};
    own.makeMountsPrivate();
    own.mountTmpfs(at + "/workshop");
    Deno.writeTextFileSync(at + "/workshop/new", "new");
    own.bindMount(at + "/workshop/new", at + "/target");
    own.detachMount(at + "/workshop");
    console.log(Deno.readTextFileSync(at + "/target"), [...Deno.readDirSync(at + "/workshop")].length);
    try { own.mountTmpfs(at + "/nowhere"); } catch (error) { console.log(error.message); }
  `);
    const failure = `mount -t tmpfs tmpfs ${directory}/nowhere failed: ENOENT`;
    assertEquals(printed, `new 0\n${failure}\n`);
    assertEquals(await Deno.readTextFile(`${directory}/target`), "old");
    await Deno.remove(directory, { recursive: true });
  },
);

rootTest("a process becomes another, every argument as it was", async () => {
  const words = ["printf", "<%s>", "", "two words", "größe", "x".repeat(5000), "$HOME"];
  const printed = await inMountNamespace(`own.replaceProcess(${JSON.stringify(words)});`);
  assertEquals(printed, words.slice(2).map((word) => `<${word}>`).join(""));
});

rootTest("a program that is not there leaves the process as it is", async () => {
  const printed = await inMountNamespace(
    `console.log(own.replaceProcess(["no-such-program"]), own.replaceProcess(["/etc"]));`,
  );
  assertEquals(printed, "2 13\n");
});
