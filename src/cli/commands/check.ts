/** `ztun check`: what would be in effect, without doing any of it. */

import { type Setting, settingTable } from "../../config/definition.ts";
import { isCredential, type LoadedSettings, loadSettings, settingAt } from "../../config/load.ts";
import { printable } from "../../config/quote.ts";
import { configSchema } from "../../config/schema.ts";
import { defaultSettings, type Settings } from "../../config/settings.ts";
import { formatValue, type Value } from "../../config/values.ts";
import { formatEndpoint } from "../../addr/endpoint.ts";
import { Exit } from "../../errors.ts";
import type { Command, CommandInput } from "../command.ts";
import { usageError } from "../parse_command_line.ts";
import type { Paint } from "../terminal.ts";

export const command: Command = {
  name: "check",
  summary: "Check a configuration and show what would be in effect",
  usage: ["check [flags] [CONFIG]"],
  settings: [],
  flags: [
    { name: "config", value: "FILE", meaning: "The same as CONFIG", file: true },
    { name: "json", meaning: "Print it as JSON" },
    { name: "schema", meaning: "Print the JSON Schema of configuration files instead" },
  ],
  positionals: [{
    name: "CONFIG",
    meaning: "A configuration file; without one, ZTUN_CONFIG, or the environment alone",
    required: false,
    file: true,
  }],
  examples: [
    { command: "ztun check ztun.json", meaning: "Find what is wrong with a file" },
    { command: "ZTUN_MTU=9000 ztun check", meaning: "See what the environment sets" },
    { command: "ztun check --schema > ztun.schema.json", meaning: "Completion for your editor" },
  ],
  details: [
    "Reads the file, the environment and the password file, and touches nothing. Passwords are not " +
    "shown. Exits 2 when something is wrong.",
  ],
  run,
};

async function run({ environment, flags, positionals, terminal, configPath }: CommandInput) {
  if (flags.schema === true) {
    environment.out(`${JSON.stringify(configSchema(), null, 2)}\n`);
    return Exit.Ok;
  }
  const [named] = positionals;
  if (named !== undefined && flags.config !== undefined) {
    throw usageError("The configuration is named twice", "`ztun check CONFIG`");
  }
  const path = named ?? configPath;
  const groups = [...new Set(settingTable.map(({ group }) => group))];
  const loaded = await loadSettings({ groups, flags: new Map(), configPath: path, environment });
  environment.out(flags.json === true ? asJson(loaded, path) : asText(loaded, terminal.out));
  return Exit.Ok;
}

function asJson({ settings, sources }: LoadedSettings, path: string | undefined): string {
  const value = {
    schemaVersion: 1,
    config: path ?? null,
    settings: masked(settings),
    sources: Object.fromEntries(sources),
  };
  return `${JSON.stringify(value, (_key, member) => member ?? null, 2)}\n`;
}

const HIDDEN = "(hidden)";

function masked(settings: Settings): Settings {
  const { proxy, socks } = settings;
  return {
    ...settings,
    proxy: proxy && { ...proxy, password: proxy.password === undefined ? undefined : HIDDEN },
    socks: { ...socks, password: socks.password === undefined ? undefined : HIDDEN },
  };
}

/** Key, value, and who said it; what somebody said stands out. */
function asText({ settings, sources }: LoadedSettings, paint: Paint): string {
  const rows = [...credentialRows(settings), ...settingRows(settings)];
  const widest = Math.max(...rows.map(([key]) => key.length));
  const widestValue = Math.max(...rows.map(([, value]) => value.length));
  return rows.map(([key, value]) => {
    const source = sources.get(key) ?? "default";
    const shown = value.padEnd(widestValue);
    const text = source === "default" ? paint("dim", shown) : shown;
    return `${paint("name", key.padEnd(widest))}  ${text}  ${source}\n`;
  }).join("");
}

/** Of a list: a file may name thousands of networks. */
const MOST_SHOWN = 4;

type Row = readonly [key: string, value: string];

function credentialRows({ proxy, socks }: Settings): Row[] {
  return [
    ["proxy", proxy === undefined ? "none" : formatEndpoint(proxy.host, proxy.port)],
    ["proxy.user", printable(proxy?.user ?? "none")],
    ["proxy.password", proxy?.password === undefined ? "none" : HIDDEN],
    ["socks.user", printable(socks.user ?? "none")],
    ["socks.password", socks.password === undefined ? "none" : HIDDEN],
  ];
}

function settingRows(settings: Settings): Row[] {
  return settingTable.filter(({ key }) => !isCredential(key)).map((setting): Row => {
    const value = settingAt(settings, setting.key) as Value;
    return [setting.key, printable(valueText(setting, value))];
  });
}

function valueText(setting: Setting, value: Value): string {
  const empty = value === "" || (Array.isArray(value) && value.length === 0);
  const unset = setting.otherwise !== undefined &&
    value === settingAt(defaultSettings(), setting.key);
  if (empty || unset) return setting.otherwise ?? "none";
  if (!Array.isArray(value) || value.length <= MOST_SHOWN) return formatValue(setting.type, value);
  const shown = formatValue(setting.type, value.slice(0, MOST_SHOWN));
  return `${shown} and ${value.length - MOST_SHOWN} more`;
}
