/**
 * Settings from where they are said: flags before environment before file before defaults.
 */

import { Exit, UserError } from "../errors.ts";
import { parseConfig } from "./config_file.ts";
import { type Credentials, mergeCredentials } from "./credentials.ts";
import { type Setting, type SettingGroup, settingsOf, settingTable } from "./definition.ts";
import { type Layer, type Outside, readFile, type Source } from "./layer.ts";
import { readNetworkFiles } from "./network_files.ts";
import { defaultSettings, type Settings } from "./settings.ts";
import { checkTogether } from "./together.ts";
import { ValueError } from "./units.ts";
import { formatValue, parseText, parseTextList, type Value } from "./values.ts";

export interface LoadOptions {
  /** What the command uses; variables and credentials of other groups are not looked at. */
  groups: readonly SettingGroup[];
  flags: ReadonlyMap<string, Value>;
  configPath: string | undefined;
  environment: Outside;
}

export interface LoadedSettings {
  settings: Settings;
  /** Who said it last, for what is not at its default: by key, and `proxy` for the proxy's address. */
  sources: ReadonlyMap<string, Source>;
}

export async function loadSettings(options: LoadOptions): Promise<LoadedSettings> {
  const { groups, environment, configPath } = options;
  const layers: Layer[] = [];
  if (configPath !== undefined) layers.push(await readFileLayer(configPath, environment));
  layers.push(readEnvironmentLayer(groups, environment));
  layers.push({ source: "flag", values: options.flags });

  const settings = defaultSettings();
  const sources = new Map<string, Source>();
  for (const layer of layers) {
    for (const [key, value] of layer.values) {
      if (isCredential(key)) continue;
      assign(settings, key, value);
      sources.set(key, layer.source);
    }
  }
  if (groups.includes("proxy")) {
    const merged = await mergeCredentials("proxy", layers, environment);
    settings.proxy = proxyOf(merged);
    noteSources("proxy", merged, sources);
  }
  if (groups.includes("server")) {
    const merged = await mergeCredentials("socks", layers, environment);
    settings.socks.user = merged.user;
    settings.socks.password = merged.password;
    noteSources("socks", merged, sources);
  }
  if (groups.includes("capture")) await readNetworkFiles(settings.capture, environment);
  checkTogether(settings, sources);
  return { settings, sources };
}

/** Members that `credentials.ts` puts together. */
export function isCredential(key: string): boolean {
  return key.startsWith("proxy.") || /^socks\.(user|password|passwordFile)$/.test(key);
}

function proxyOf(merged: Credentials): Settings["proxy"] {
  const { endpoint, user, password } = merged;
  return endpoint === undefined ? undefined : { ...endpoint, user, password };
}

function noteSources(prefix: string, merged: Credentials, sources: Map<string, Source>): void {
  const { endpoint, user, secret } = merged.sources;
  if (endpoint !== undefined) sources.set(prefix, endpoint);
  if (user !== undefined) sources.set(`${prefix}.user`, user);
  if (secret !== undefined) sources.set(`${prefix}.password`, secret);
}

async function readFileLayer(
  path: string,
  environment: Outside,
): Promise<Layer> {
  const values = parseConfig(path, await readFile(path, "configuration file", environment));
  // A path in the file is meant from where the file is, not from where somebody stood when starting.
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const found = (name: string) => name.startsWith("/") ? name : `${folder}${name}`;
  for (const { key, type } of settingTable) {
    const value = values.get(key);
    if (type.kind === "file" && typeof value === "string") values.set(key, found(value));
    if (type.kind !== "network" || !Array.isArray(value)) continue;
    values.set(key, value.map((text) => text.startsWith("@") ? `@${found(text.slice(1))}` : text));
  }
  return { source: "file", values };
}

function readEnvironmentLayer(
  groups: readonly SettingGroup[],
  environment: Outside,
): Layer {
  const values = new Map<string, Value>();
  for (const setting of settingsOf(groups)) {
    const text = environment.env(setting.env);
    if (text === undefined) continue;
    try {
      const value = setting.list ? parseTextList(setting, text) : parseText(setting, text);
      values.set(setting.key, value);
    } catch (error) {
      throw invalid(setting.env, error);
    }
  }
  return { source: "environment", values };
}

/** What a `ValueError` becomes when it is known where the value stood. */
export function invalid(where: string, error: unknown): unknown {
  if (!(error instanceof ValueError)) return error;
  const { message, hint } = error;
  return new UserError(`Invalid value for ${where}: ${message}`, {
    exitCode: Exit.Usage,
    ...(hint === undefined ? {} : { hint: hint.charAt(0).toUpperCase() + hint.slice(1) }),
  });
}

/** Reads a member by its path. */
export function settingAt(settings: Settings, key: string): unknown {
  return key.split(".").reduce<unknown>((value, name) => (value as Members)[name], settings);
}

type Members = Record<string, unknown>;

/** Sets a member by its path; a test compares all paths of the table with `defaultSettings()`. */
function assign(settings: Settings, key: string, value: Value): void {
  const dot = key.lastIndexOf(".");
  const section = dot < 0 ? settings : settingAt(settings, key.slice(0, dot));
  (section as Members)[key.slice(dot + 1)] = value;
}

/** The default of a setting as the help shows it; empty for none. */
export function defaultText(setting: Setting): string {
  if (setting.otherwise !== undefined) return setting.otherwise;
  if (setting.type.kind === "switch" || isCredential(setting.key)) return "";
  return formatValue(setting.type, settingAt(defaultSettings(), setting.key) as Value);
}
