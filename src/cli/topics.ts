/** `ztun help TOPIC`: what belongs to no single command. */

import { type Setting, settingTable, type ValueType } from "../config/definition.ts";
import { defaultText, settingAt } from "../config/load.ts";
import { defaultSettings } from "../config/settings.ts";
import { formatValue } from "../config/values.ts";
import { Exit } from "../errors.ts";
import type { Paint } from "./terminal.ts";
import { fill, table } from "./text_layout.ts";

export interface Topic {
  name: string;
  summary: string;
  text(paint: Paint): string;
}

export const topics: readonly Topic[] = [
  { name: "config", summary: "The configuration file, and every key", text: configTopic },
  { name: "environment", summary: "Variables that ztun reads", text: environmentTopic },
  { name: "exit-codes", summary: "What the exit status says", text: exitCodeTopic },
];

/** Meanings of the exit codes, for the topic and the README. */
export const exitCodes: readonly (readonly [number, string])[] = [
  [Exit.Ok, "Done; an empty result is a result"],
  [Exit.Failed, "Failed"],
  [Exit.Usage, "The command line or the configuration is wrong: trying again does not help"],
  [Exit.NotRunning, "No tunnel is running"],
  [Exit.Permission, "Not permitted"],
  [Exit.NotExecutable, "The command of `ztun exec` cannot be run"],
  [Exit.NotFound, "The command of `ztun exec` is not there"],
  [Exit.Interrupted, "Interrupted"],
];

/** Variables that are no settings. */
export const otherVariables: readonly (readonly [string, string])[] = [
  ["ZTUN_CONFIG", "The configuration file, as --config"],
  ["NO_COLOR", "Not empty: no colours, unless --color says otherwise"],
  ["TERM", "dumb: no colours, unless --color says otherwise"],
];

function configTopic(paint: Paint): string {
  return [
    fill(
      "`--config FILE`, or ZTUN_CONFIG, names a file of JSON in which comments (// and /* */) and " +
        "trailing commas are allowed. Flags come before variables, variables before the file, the " +
        "file before the defaults. `ztun check FILE` says what is wrong with a file and what would be " +
        "in effect; `ztun check --schema` prints its JSON Schema.",
      0,
    ),
    "",
    fill(
      "Durations have units (500ms, 5s, 2h30m), sizes too (64KiB, 1MiB); both stand in quotation " +
        "marks. A file that the file names is looked for beside it.",
      0,
    ),
    "",
    paint("heading", "EXAMPLE"),
    exampleConfig.trimEnd().replace(/^/gm, "  "),
    "",
    paint("heading", "KEYS"),
    ...table(settingTable.map((setting) => [setting.key, keyMeaning(setting)]), 2, paint),
    "",
  ].join("\n");
}

/** A file that uses each kind of value; a test reads it. */
export const exampleConfig = `{
  // Everything but the proxy has a default.
  "proxy": { "url": "socks5://alice@proxy.example:1080", "passwordFile": "password" },
  "tun": { "mtu": 9000 },
  "capture": { "include": ["10.0.0.0/8", "2001:db8::/32"], "exceptUsers": ["1000-1999"] },
  "limits": { "tcpFlows": 10000, "totalBytes": "128MiB" },
  "timeouts": { "udpIdle": "2m30s" },
  "earlyAccept": false,
  "log": { "level": "debug", "format": "json" },
}
`;

function keyMeaning(setting: Setting): string {
  const preset = keyDefault(setting);
  return `${setting.meaning}. ${kindOf(setting)}${preset === "" ? "" : ` [default: ${preset}]`}`;
}

/** The default of a key; for switches, which as flags have none, too. */
export function keyDefault(setting: Setting): string {
  if (setting.type.kind !== "switch") return defaultText(setting);
  return String(settingAt(defaultSettings(), setting.key));
}

/** The type of a key, as a phrase. */
export function kindOf(setting: Setting): string {
  const kind = kindOfType(setting.type);
  return setting.list ? `List: ${kind}` : kind;
}

function kindOfType(type: ValueType): string {
  switch (type.kind) {
    case "count":
    case "size":
    case "duration":
    case "mark": {
      const names = { count: "Number", size: "Size", duration: "Duration", mark: "Number" };
      const name = names[type.kind];
      return `${name}, ${formatValue(type, type.min)} to ${formatValue(type, type.max)}`;
    }
    case "choice":
      return type.choices.join(" | ");
    case "switch":
      return "true | false";
    case "prefix":
      return "address/length";
    case "network":
      return "network/length or @file";
    case "address":
      return "IP address";
    case "account":
      return "name, number or from-to";
    case "interface":
      return "name or beginning*";
    case "endpoint":
      return "host:port";
    default:
      return "Text";
  }
}

function environmentTopic(paint: Paint): string {
  const settings = settingTable.map((setting): [string, string] => {
    const flag = setting.flag === undefined || setting.negated ? "" : ` (--${setting.flag})`;
    return [setting.env, `${setting.meaning}${flag}`];
  });
  return [
    fill(
      "A variable holds what its flag would; lists are separated by commas, switches are true or " +
        "false. An empty variable counts as not set. Flags come before variables, variables before " +
        "the configuration file.",
      0,
    ),
    "",
    ...table([...otherVariables, ...settings], 2, paint),
    "",
  ].join("\n");
}

function exitCodeTopic(paint: Paint): string {
  const rows = exitCodes.map(([code, meaning]): [string, string] => [String(code), meaning]);
  return [
    ...table(rows, 2, paint),
    "",
    fill(
      "`ztun exec` ends with the exit status of its command; 128 + N where signal N ended it.",
      0,
    ),
    "",
  ].join("\n");
}
