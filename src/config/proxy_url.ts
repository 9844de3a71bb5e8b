/**
 * The proxy as one text: `socks5://user:password@host:port`, as curl writes it, or `host:port`.
 *
 * No message in here quotes any part of the text: a slip of the keys can put the password anywhere
 * (`socks5://user:password` with the host forgotten makes it the port).
 */

import { parseHost, parsePort } from "../addr/endpoint.ts";
import { ValueError } from "./units.ts";

export interface ProxyAddress {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
}

export const DEFAULT_PROXY_PORT = 1080;

const EXAMPLE = "for example socks5://127.0.0.1:1080, or socks5://user:password@[2001:db8::1]:1080";

export function parseProxyUrl(text: string): ProxyAddress {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  checkScheme(scheme?.[1]?.toLowerCase());
  const rest = text.slice(scheme?.[0].length ?? 0).replace(/\/$/, "");
  const at = rest.lastIndexOf("@");
  const { host, port } = parseProxyHost(rest.slice(at + 1));
  return { host, port, ...(at < 0 ? noCredentials : parseCredentials(rest.slice(0, at))) };
}

const noCredentials = { user: undefined, password: undefined };

function checkScheme(scheme: string | undefined): void {
  if (scheme === undefined || scheme === "socks5" || scheme === "socks5h") return;
  const known = ["http", "https", "socks4", "socks4a", "socks"].includes(scheme);
  const what = known ? `cannot use ${scheme}:// proxies, only SOCKS5` : "has an unknown scheme";
  throw new ValueError(what, EXAMPLE);
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`; the port is 1080 unless it is said. */
export function parseProxyHost(text: string): { host: string; port: number } {
  if (text.includes("@")) throw new ValueError("takes no user name and password here", EXAMPLE);
  const end = text.startsWith("[") ? text.indexOf("]") + 1 : text.lastIndexOf(":");
  const hostText = end <= 0 ? text : text.slice(0, end);
  const portText = text.slice(hostText.length);
  if (hostText.includes(":") && !hostText.startsWith("[")) {
    throw new ValueError("needs brackets around an IPv6 address", "for example [2001:db8::1]:1080");
  }
  const host = parseHost(hostText);
  if (host === undefined) throw new ValueError("has no valid host", EXAMPLE);
  if (portText === "") return { host, port: DEFAULT_PROXY_PORT };
  const port = portText.startsWith(":") ? parsePort(portText.slice(1)) : undefined;
  if (port === undefined) throw new ValueError("has a port that is not 1 to 65535", EXAMPLE);
  return { host, port };
}

function parseCredentials(text: string): Pick<ProxyAddress, "user" | "password"> {
  if (text.includes("/")) {
    throw new ValueError(
      "has a / in the user name or the password",
      "write %2F for a / that is meant",
    );
  }
  const colon = text.indexOf(":");
  const user = checkCredential(decode(colon < 0 ? text : text.slice(0, colon)), "user name", 1);
  if (colon < 0) return { user, password: undefined };
  return { user, password: checkCredential(decode(text.slice(colon + 1)), "password", 0) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ValueError(
      "has a % that is not followed by two hexadecimal digits",
      "write %25 for a % that is meant",
    );
  }
}

const encoder = new TextEncoder();

/** RFC 1929 gives a user name and a password one length octet each. */
export function checkCredential(text: string, what: string, least: 0 | 1): string {
  const length = encoder.encode(text).length;
  if (length > 255) throw new ValueError(`has a ${what} of more than 255 bytes`);
  if (length < least) throw new ValueError(`has an empty ${what}`);
  return text;
}
