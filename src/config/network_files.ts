/**
 * Networks that stand in files of their own, `--bypass @networks.txt`: one a line; what follows a `#` is
 * a comment.
 */

import { Exit, UserError } from "../errors.ts";
import { type Outside, readFile } from "./layer.ts";
import { printable } from "./quote.ts";
import type { CaptureSettings } from "./settings.ts";
import { ValueError } from "./units.ts";
import { parseNetwork } from "./values.ts";

/** Puts what the files hold in the place of their names, each network once. */
export async function readNetworkFiles(
  capture: Pick<CaptureSettings, "include" | "bypass">,
  environment: Outside,
): Promise<void> {
  const { include } = capture;
  capture.include = await withoutFiles(include, environment);
  capture.bypass = await withoutFiles(capture.bypass, environment);
  if (include.length === 0 || capture.include.length > 0) return;
  // An empty list would mean everything.
  throw new UserError(`No network is included: there is none in ${printable(include.join(", "))}`, {
    exitCode: Exit.Usage,
    hint: "To include everything, leave out --include",
  });
}

async function withoutFiles(
  texts: readonly string[],
  environment: Outside,
): Promise<string[]> {
  const networks = new Set<string>();
  for (const text of texts) {
    if (!text.startsWith("@")) networks.add(text);
    else {for (const network of await readNetworks(text.slice(1), environment)) {
        networks.add(network);
      }}
  }
  return [...networks];
}

async function readNetworks(path: string, environment: Outside): Promise<string[]> {
  const text = await readFile(path, "list of networks", environment);
  return text.split("\n").flatMap((line, index) => {
    const network = line.replace(/#.*/, "").trim();
    return network === "" ? [] : [parseLine(network, `${printable(path)}:${index + 1}`)];
  });
}

function parseLine(network: string, place: string): string {
  try {
    return parseNetwork(network);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const { message, hint = "" } = error;
    throw new UserError(`${place}: ${message}`, {
      exitCode: Exit.Usage,
      hint: hint.charAt(0).toUpperCase() + hint.slice(1),
    });
  }
}
