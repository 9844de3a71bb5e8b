/** Positional arguments of a load program, and the proxy that `--socks IP:PORT` names. */

import { type Endpoint, parseEndpoint } from "./endpoint.ts";

export interface Arguments {
  values: readonly string[];
  socks: Endpoint | undefined;
}

export function loadArguments(args: readonly string[]): Arguments {
  const at = args.indexOf("--socks");
  if (at === -1) return { values: args, socks: undefined };
  return { values: args.toSpliced(at, 2), socks: parseEndpoint(args[at + 1] ?? "") };
}
