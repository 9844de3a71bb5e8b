/**
 * Settings that were given as flags, as the words of a command line again: for a service, which starts in
 * another directory and without the variables of this one.
 */

import { formatEndpoint } from "../../addr/endpoint.ts";
import {
  findSetting,
  type Setting,
  type SettingGroup,
  settingsOf,
} from "../../config/definition.ts";
import type { ProxyAddress } from "../../config/proxy_url.ts";
import { formatValue, type Value } from "../../config/values.ts";
import { Exit, UserError } from "../../errors.ts";

/** Settings by key. */
export type Given = ReadonlyMap<string, Value>;

/** Each as one word, so that a value may begin with a dash; paths are absolute. */
export function flagWords(given: Given, directory: string): string[] {
  return [...given].flatMap(([key, value]) => {
    if (key === "proxy.url") return proxyWords(value as ProxyAddress);
    return wordsOf(findSetting(key)!, value, directory);
  });
}

/** In a URL the user's name would have to be encoded; and the password must not get into it. */
function proxyWords({ host, port, user, password }: ProxyAddress): string[] {
  if (password !== undefined) throw secretError("The password is in the URL");
  const socks = `--socks=${formatEndpoint(host, port)}`;
  return user === undefined ? [socks] : [socks, `--user=${user}`];
}

function wordsOf(setting: Setting, value: Value, directory: string): string[] {
  const { flag, type, negated } = setting;
  if (type.kind === "switch") {
    const on = negated === undefined ? value : !value;
    return [on ? `--${flag}` : `--${flag}=false`];
  }
  if (Array.isArray(value)) {
    return value.map((item) => `--${flag}=${withAbsoluteFile(item, directory)}`);
  }
  const text = formatValue(type, value);
  return [`--${flag}=${type.kind === "file" ? absolute(text, directory) : text}`];
}

/** An item of a list may be a file of items. */
function withAbsoluteFile(item: string, directory: string): string {
  return item.startsWith("@") ? `@${absolute(item.slice(1), directory)}` : item;
}

export function absolute(path: string, directory: string): string {
  return path.startsWith("/") ? path : `${directory}/${path}`;
}

/** Throws when a variable says now what the service would not hear. */
export function refuseVariables(
  groups: readonly SettingGroup[],
  given: Given,
  env: (name: string) => string | undefined,
): void {
  for (const setting of settingsOf([...groups, "common"])) {
    if (env(setting.env) === undefined || given.has(setting.key)) continue;
    if (setting.type.kind === "secret") {
      throw secretError(`The password is in the variable ${setting.env}`);
    }
    throw new UserError(`The variable ${setting.env} is set, and the service would not have it`, {
      exitCode: Exit.Usage,
      hint: `Say --${setting.flag} instead, or \`unset ${setting.env}\``,
    });
  }
}

function secretError(message: string): UserError {
  return new UserError(`${message}, and everybody may read the unit of a service`, {
    exitCode: Exit.Usage,
    hint: "Put it into a file that only root may read, and say --password-file FILE",
  });
}
