/** One value of the definition table: read from a text or from JSON, checked, and printed again. */

import { formatEndpoint, parseEndpoint } from "../addr/endpoint.ts";
import { parseAddress } from "../addr/address.ts";
import { formatPrefix, isNetwork, networkOf, parsePrefix } from "../addr/prefix.ts";
import type { Setting, ValueType } from "./definition.ts";
import { parseAccount, parseCgroup, parseDevice, parseInterface, parseProcess } from "./names.ts";
import { checkCredential, parseProxyHost, parseProxyUrl, type ProxyAddress } from "./proxy_url.ts";
import { quote, quoteName } from "./quote.ts";
import { formatDuration, formatSize, parseDuration, parseSize, ValueError } from "./units.ts";
import { nearest } from "./nearest.ts";

export type Endpoint = { host: string; port: number };
export type Scalar = string | number | boolean | Endpoint | ProxyAddress;
export type Value = Scalar | string[];

/** Reads one value from a flag, a variable, or a text in the file; throws a `ValueError`. */
export function parseText(setting: Setting, text: string): Scalar {
  const { type } = setting;
  switch (type.kind) {
    case "count":
      return inRange(type, parseCount(text));
    case "mark":
      return inRange(type, parseMark(text));
    case "size":
      return inRange(type, about(text, () => parseSize(text)));
    case "duration":
      return inRange(type, about(text, () => parseDuration(text)));
    case "choice":
      return parseChoice(text, type.choices);
    case "switch":
      return parseSwitch(text);
    case "device":
      return parseDevice(text);
    case "prefix":
      return parsePrefixText(text);
    case "network":
      return text.startsWith("@") ? parseFileName(text) : parseNetwork(text);
    case "address":
      return parseAddressText(text);
    case "endpoint":
      return setting.key === "socks.listen" ? parseListen(text) : parseProxyHost(text);
    case "proxy":
      return parseProxyUrl(text);
    case "user":
      return checkCredential(text, "user name", 1);
    case "secret":
      return checkCredential(text, "password", 0);
    case "file":
      if (text === "") throw new ValueError("needs the name of a file");
      return text;
    case "account":
      return parseAccount(text);
    case "cgroup":
      return parseCgroup(text);
    case "interface":
      return parseInterface(text);
    case "process":
      return parseProcess(text);
  }
}

/** Reads a list from a variable: separated by commas, spaces allowed. */
export function parseTextList(setting: Setting, text: string): string[] {
  return text.split(",").map((item) => String(parseText(setting, item.trim())));
}

/** Reads a scalar that a JSON file holds: numbers and booleans as such, all else as texts. */
export function parseJson(setting: Setting, value: string | number | boolean | null): Scalar {
  const { type } = setting;
  if (type.kind === "switch") {
    if (typeof value !== "boolean") throw new ValueError("must be true or false");
    return value;
  }
  const mayBeNumber = type.kind === "size" || type.kind === "mark";
  if (type.kind === "count" || (mayBeNumber && typeof value === "number")) {
    if (typeof value !== "number") {
      throw new ValueError("must be a number, without quotation marks");
    }
    if (!Number.isSafeInteger(value)) throw new ValueError("must be a whole number");
    return inRange(type, value);
  }
  if (type.kind === "duration" && typeof value === "number") {
    throw new ValueError("a duration needs a unit", `"${value}s" for seconds`);
  }
  if (typeof value !== "string") throw new ValueError("must be a text in quotation marks");
  return parseText(setting, value);
}

/** The text that is read back as the same; secrets are hidden. */
export function formatValue(type: ValueType, value: Value): string {
  if (type.kind === "secret") return "(hidden)";
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "object") {
    const user = "user" in value && value.user !== undefined ? "***@" : "";
    return `${user}${formatEndpoint(value.host, value.port)}`;
  }
  if (typeof value !== "number") return String(value);
  if (type.kind === "size") return formatSize(value);
  if (type.kind === "duration") return formatDuration(value);
  if (type.kind === "mark" && value > 0) return `0x${value.toString(16)}`;
  return String(value);
}

/** Puts the text in front of what is wrong with it. */
function about<T>(text: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError(`${quote(text)}: ${error.message}`, error.hint);
  }
}

function inRange(type: ValueType & { min: number; max: number }, value: number): number {
  if (value >= type.min && value <= type.max) return value;
  const [min, max] = [formatValue(type, type.min), formatValue(type, type.max)];
  throw new ValueError(`${formatValue(type, value)} is out of range (${min} to ${max})`);
}

function parseCount(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new ValueError(`${quote(text)} is not a whole number`);
  return Number(text);
}

/** The kernel's tools write marks in either way. */
function parseMark(text: string): number {
  if (/^(0x[\da-f]{1,12}|\d{1,15})$/i.test(text)) return Number(text);
  throw new ValueError(`${quote(text)} is not a mark`, "a number as 31348 or 0x7a74");
}

function parseChoice(text: string, choices: readonly string[]): string {
  if (choices.includes(text)) return text;
  const meant = nearest(text, choices);
  throw new ValueError(
    `${quote(text)} is not one of ${choices.join(", ")}`,
    meant === undefined ? undefined : `did you mean ${meant}?`,
  );
}

function parseSwitch(text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new ValueError(`${quote(text)} is neither true nor false`);
}

function parsePrefixText(text: string): string {
  const prefix = text.includes("/") ? parsePrefix(text) : undefined;
  if (prefix !== undefined) return formatPrefix(prefix);
  throw new ValueError(
    `${quote(text)} is not an address with a prefix length`,
    "for example 198.18.0.1/30 or fd00::1/64",
  );
}

/** `@FILE`, which `network_files.ts` reads when it is known who wants it. */
function parseFileName(text: string): string {
  if (text !== "@" && text !== "@-") return text;
  throw new ValueError(`${quoteName(text)} names no file`, "for example @networks.txt");
}

export function parseNetwork(text: string): string {
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    throw new ValueError(
      `${quoteName(text)} is not a network`,
      "for example 10.0.0.0/8, 2000::/3 or 192.0.2.1",
    );
  }
  if (!isNetwork(prefix)) {
    const meant = formatPrefix(networkOf(prefix));
    throw new ValueError(
      `${quoteName(text)} has bits set behind its prefix length`,
      `did you mean ${meant}?`,
    );
  }
  return formatPrefix(prefix);
}

function parseAddressText(text: string): string {
  if (parseAddress(text) !== undefined) return text;
  throw new ValueError(
    `${quote(text)} is not an IP address`,
    "for example 192.0.2.53 or 2001:db8::53",
  );
}

/** An address to bind to, not a name: a name may have many, and change. */
function parseListen(text: string): Endpoint {
  const anyPort = text.endsWith(":0");
  const endpoint = parseEndpoint(anyPort ? `${text.slice(0, -1)}1` : text);
  if (endpoint === undefined || parseAddress(endpoint.host) === undefined) {
    throw new ValueError(
      `${quote(text)} is not an IP address and a port`,
      "for example 127.0.0.1:1080, 0.0.0.0:1080 or [::]:1080",
    );
  }
  return { host: endpoint.host, port: anyPort ? 0 : endpoint.port };
}
