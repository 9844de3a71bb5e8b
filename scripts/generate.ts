/**
 * Writes what is made from the tables of the source: `ztun.schema.json`, and the reference in README.md
 * between its markers. With `--check` it writes nothing, and fails when something is out of date.
 */

import { commands } from "../src/cli/commands.ts";
import { reference } from "../src/cli/reference.ts";
import { configSchema } from "../src/config/schema.ts";

const BEGIN = "<!-- reference:begin -->";
const END = "<!-- reference:end -->";

/** The README with a new reference between its markers. */
export function withReference(readme: string, text: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) {
    throw new Error(`Cannot place the reference: README.md has no ${BEGIN} before ${END}`);
  }
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${readme.slice(end)}`;
}

async function readText(path: URL): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** As `deno fmt` would leave it, so that the two never disagree. */
async function formatted(text: string, extension: "json" | "md"): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", `--ext=${extension}`, "--line-width=100", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`Cannot format the generated ${extension}`);
  return new TextDecoder().decode(stdout);
}

/** Writes the file, or with `check` only says whether it would change. */
async function update(name: string, text: string, check: boolean): Promise<boolean> {
  const path = new URL(`../${name}`, import.meta.url);
  if (await readText(path) === text) return true;
  if (!check) {
    await Deno.writeTextFile(path, text);
    say(`wrote ${name}`);
    return true;
  }
  say(`${name} is out of date; \`deno task generate\` writes it`);
  return false;
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function generate(check: boolean): Promise<boolean> {
  const schema = await formatted(JSON.stringify(configSchema(), null, 2), "json");
  const schemaGood = await update("ztun.schema.json", schema, check);
  const readme = await readText(new URL("../README.md", import.meta.url));
  if (readme === undefined) {
    say("README.md does not exist: there is no place for the reference");
    return false;
  }
  const text = await formatted(withReference(readme, reference(commands)), "md");
  return await update("README.md", text, check) && schemaGood;
}

if (import.meta.main && !await generate(Deno.args.includes("--check"))) Deno.exitCode = 1;
