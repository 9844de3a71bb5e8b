/**
 * The configuration file: JSON with comments, against the definition table. Everything that is wrong
 * with it is found in one pass, each with line and column.
 */

import { Exit, UserError } from "../errors.ts";
import { findSetting, type Setting, settingTable } from "./definition.ts";
import { JsoncError, type JsonMember, type JsonNode, parseJsonc, placeOf } from "./jsonc.ts";
import { nearest } from "./nearest.ts";
import { printable, quote } from "./quote.ts";
import { ValueError } from "./units.ts";
import { parseJson, type Value } from "./values.ts";

/** A file of settings is some hundred bytes; what is larger is another file. */
const LARGEST = 1 << 20;
/** More than anybody reads; it also bounds the work on a file that is all wrong. */
const MOST = 50;

/** Reads the text of a file; throws one `UserError` that holds every problem in it. */
export function parseConfig(path: string, text: string): Map<string, Value> {
  if (text.length > LARGEST) throw configError(path, ["is larger than 1 MiB"]);
  let root: JsonNode;
  try {
    root = parseJsonc(text);
  } catch (error) {
    if (!(error instanceof JsoncError)) throw error;
    const { line, column } = error.place;
    throw configError(path, [`${line}:${column}: ${error.message}`]);
  }
  const reader = new ConfigReader(text);
  reader.readSection("", root);
  if (reader.problems.length > 0) throw configError(path, reader.problems);
  return reader.values;
}

function configError(path: string, problems: readonly string[]): UserError {
  const lines = problems.map((problem) => {
    return `${printable(path)}${/^\d/.test(problem) ? ":" : " "}${problem}`;
  });
  const options = { exitCode: Exit.Usage, hint: "`ztun help config` lists every key" };
  const [first] = lines;
  if (lines.length === 1 && first !== undefined) return new UserError(first, options);
  const cause = new AggregateError(lines.map((line) => new Error(line)));
  return new UserError(`Cannot use ${printable(path)}: ${lines.length} problems`, {
    ...options,
    cause,
  });
}

class ConfigReader {
  readonly values = new Map<string, Value>();
  readonly problems: string[] = [];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** `path` is the key of the section, empty for the whole file. */
  readSection(path: string, node: JsonNode): void {
    const where = path === "" ? "The file" : `"${path}"`;
    if (node.kind !== "object") return this.#problem(node.at, `${where} must be an object: { }`);
    const seen = new Set<string>();
    for (const member of node.members) {
      if (seen.has(member.name)) {
        this.#problem(member.at, `${quote(member.name)} is given twice`);
      } else if (path !== "" || member.name !== "$schema") {
        this.#readMember(path === "" ? member.name : `${path}.${member.name}`, path, member);
      }
      seen.add(member.name);
    }
  }

  #readMember(key: string, section: string, member: JsonMember): void {
    const setting = member.name.includes(".") ? undefined : findSetting(key);
    if (setting !== undefined) this.#readValue(setting, member);
    else if (sections.has(key)) this.readSection(key, member.value);
    else this.#problem(member.at, unknownKey(member.name, section));
  }

  #readValue(setting: Setting, member: JsonMember): void {
    const { value: node } = member;
    if (setting.list === undefined) {
      const value = this.#readScalar(setting, node);
      if (value !== undefined) this.values.set(setting.key, value);
    } else if (node.kind !== "array") {
      this.#problem(node.at, `"${setting.key}" must be a list: [ ]`);
    } else {
      const items = node.items.map((item) => String(this.#readScalar(setting, item) ?? ""));
      this.values.set(setting.key, items);
    }
  }

  #readScalar(setting: Setting, node: JsonNode): Value | undefined {
    if (node.kind !== "scalar") {
      this.#problem(node.at, `"${setting.key}" must be one value, not ${node.kind}`);
      return undefined;
    }
    try {
      return parseJson(setting, node.value);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const hint = error.hint === undefined ? "" : ` (${error.hint})`;
      this.#problem(node.at, `"${setting.key}": ${error.message}${hint}`);
      return undefined;
    }
  }

  #problem(at: number, message: string): void {
    if (this.problems.length === MOST) return;
    const { line, column } = placeOf(this.#text, at);
    this.problems.push(`${line}:${column}: ${message}`);
  }
}

/** The keys that hold other keys. */
const sections: ReadonlySet<string> = new Set(
  settingTable.filter((setting) => setting.key.includes("."))
    .map((setting) => setting.key.slice(0, setting.key.lastIndexOf("."))),
);

function unknownKey(name: string, section: string): string {
  const prefix = section === "" ? "" : `${section}.`;
  const siblings = [...settingTable.map((setting) => setting.key), ...sections]
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length).split(".")[0] ?? "");
  const meant = nearest(name, siblings) ?? elsewhere(name);
  const where = section === "" ? "" : ` in "${section}"`;
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return `Unknown key ${quote(name)}${where}${hint}`;
}

/** The whole key of a setting that stands in another section. */
function elsewhere(name: string): string | undefined {
  return settingTable.find((setting) => setting.key.endsWith(`.${name}`))?.key;
}
