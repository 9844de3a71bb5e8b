/**
 * Address, user name and password put together from several sources.
 *
 * A password belongs to the proxy that it was given with. When a source names a proxy, user names and
 * passwords that stood beside another proxy further down are forgotten, so that
 * `ztun up --config work.json --socks elsewhere:1080` does not send work's password elsewhere.
 */

import { Exit, UserError } from "../errors.ts";
import { findSetting } from "./definition.ts";
import { type Layer, nameIn, type Outside, readFile, type Source } from "./layer.ts";
import { checkCredential, type ProxyAddress } from "./proxy_url.ts";
import { printable } from "./quote.ts";
import { ValueError } from "./units.ts";
import type { Endpoint, Value } from "./values.ts";

export interface Credentials {
  endpoint: Endpoint | undefined;
  user: string | undefined;
  password: string | undefined;
  /** Who said it, for each part that somebody said. */
  sources: Partial<Record<keyof Found, Source>>;
}

/** What one source says. */
interface Found {
  endpoint: Endpoint | undefined;
  user: string | undefined;
  /** The password itself, or the file that holds it. */
  secret: { password: string } | { file: string } | undefined;
}

/** `prefix` is "proxy" or "socks": the section that the keys stand in. */
export async function mergeCredentials(
  prefix: "proxy" | "socks",
  layers: readonly Layer[],
  environment: Outside,
): Promise<Credentials> {
  let merged: Found = { endpoint: undefined, user: undefined, secret: undefined };
  let sources: Credentials["sources"] = {};
  for (const layer of layers) {
    const found = findIn(prefix, layer);
    if (merged.endpoint !== undefined && found.endpoint !== undefined) {
      merged = { endpoint: undefined, user: undefined, secret: undefined };
      sources = {};
    }
    for (const part of ["endpoint", "user", "secret"] as const) {
      if (found[part] !== undefined) sources[part] = layer.source;
    }
    merged = {
      endpoint: found.endpoint ?? merged.endpoint,
      user: found.user ?? merged.user,
      secret: found.secret ?? merged.secret,
    };
  }
  const { endpoint, user, secret } = merged;
  if (prefix === "proxy" && endpoint === undefined) return nothing;
  const password = await reveal(secret, environment);
  checkPair(prefix, user, password);
  return { endpoint, user, password, sources };
}

const nothing: Credentials = {
  endpoint: undefined,
  user: undefined,
  password: undefined,
  sources: {},
};

function findIn(prefix: "proxy" | "socks", layer: Layer): Found {
  const get = (name: string) => layer.values.get(`${prefix}.${name}`);
  const url = get("url") as ProxyAddress | undefined;
  const bare = prefix === "proxy" ? get("socks") as Endpoint | undefined : undefined;
  refuseTwo(layer, url, "proxy.url", bare, "proxy.socks");
  const user = get("user");
  const [password, file] = [get("password"), get("passwordFile")];
  refuseTwo(layer, url?.user, "proxy.url", user, `${prefix}.user`);
  refuseTwo(layer, url?.password, "proxy.url", password, `${prefix}.password`);
  refuseTwo(layer, url?.password, "proxy.url", file, `${prefix}.passwordFile`);
  refuseTwo(layer, password, `${prefix}.password`, file, `${prefix}.passwordFile`);
  const secret = url?.password ?? password;
  return {
    endpoint: url === undefined ? bare : { host: url.host, port: url.port },
    user: url?.user ?? text(user),
    secret: secret !== undefined
      ? { password: String(secret) }
      : file === undefined
      ? undefined
      : { file: String(file) },
  };
}

function text(value: Value | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** One source that says the same thing in two ways would make us choose. */
function refuseTwo(
  { source }: Layer,
  a: unknown,
  keyA: string,
  b: unknown,
  keyB: string,
): void {
  if (a === undefined || b === undefined) return;
  const names = [keyA, keyB].map((key) => {
    const setting = findSetting(key);
    return setting === undefined ? key : nameIn(source, setting);
  });
  throw new UserError(`${names[0]} and ${names[1]} say the same thing: use one of them`, {
    exitCode: Exit.Usage,
  });
}

async function reveal(
  secret: Found["secret"],
  environment: Outside,
): Promise<string | undefined> {
  if (secret === undefined) return undefined;
  if ("password" in secret) return secret.password;
  const content = await readFile(secret.file, "password file", environment);
  const line = content.split(/\r?\n/, 1)[0] ?? "";
  try {
    return checkCredential(line, "password", 1);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new UserError(`The password file "${printable(secret.file)}" ${error.message}`, {
      exitCode: Exit.Usage,
    });
  }
}

function checkPair(
  prefix: "proxy" | "socks",
  user: string | undefined,
  password: string | undefined,
): void {
  if ((user === undefined) === (password === undefined)) return;
  const variable = findSetting(`${prefix}.password`)?.env ?? "";
  if (user !== undefined) {
    throw new UserError("A user name is given, but no password", {
      exitCode: Exit.Usage,
      hint: `--password-file FILE, or the variable ${variable}`,
    });
  }
  throw new UserError("A password is given, but no user name", {
    exitCode: Exit.Usage,
    hint: "--user NAME",
  });
}

/** The proxy, for a command that cannot do without. */
export function requireProxy<T>(proxy: T | undefined): T {
  if (proxy !== undefined) return proxy;
  throw new UserError("No proxy is given", {
    exitCode: Exit.Usage,
    hint: "--socks HOST:PORT, --proxy URL, or the variable ZTUN_PROXY",
  });
}
