/**
 * Writes what is made from the tables of the source: `ztun.schema.json`, and the reference in README.md
 * between its markers. With `--check` it writes nothing, and fails when something is out of date.
 */

import { commands } from "../src/cli/commands.ts";
import { reference } from "../src/cli/reference.ts";
import { configSchema } from "../src/config/schema.ts";
import { formatted, withSection } from "./generated_text.ts";

async function readText(path: URL): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
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
  const text = await formatted(withSection(readme, "reference", reference(commands)), "md");
  return await update("README.md", text, check) && schemaGood;
}

if (import.meta.main && !await generate(Deno.args.includes("--check"))) Deno.exitCode = 1;
