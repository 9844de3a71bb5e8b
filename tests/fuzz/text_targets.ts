/** What users write: configuration files, proxy addresses, addresses and networks. */

import { formatAddress, parseAddress, sameAddress } from "../../src/addr/address.ts";
import { formatEndpoint, parseEndpoint } from "../../src/addr/endpoint.ts";
import { formatPrefix, parsePrefix } from "../../src/addr/prefix.ts";
import { parseConfig } from "../../src/config/config_file.ts";
import { JsoncError, parseJsonc, toValue } from "../../src/config/jsonc.ts";
import { parseProxyUrl } from "../../src/config/proxy_url.ts";
import { ValueError } from "../../src/config/units.ts";
import { UserError } from "../../src/errors.ts";
import { byteTarget } from "./byte_target.ts";
import { type FuzzTarget, hold } from "./target.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Printable, and one that no message may show. */
const SECRET = "hunter2hunter2";

function textTarget(
  name: string,
  examples: readonly string[],
  feed: (text: string) => void,
): FuzzTarget {
  return byteTarget({
    name,
    examples: examples.map((text) => encoder.encode(text)),
    start: () => (bytes, at, end) => feed(decoder.decode(bytes.subarray(at, end))),
  });
}

const CONFIGS = [
  `{ "proxy": { "address": "127.0.0.1:1080", "user": "u", "password": "${SECRET}" } }`,
  `// a comment\n{ "tun": { "mtu": 1500, "addresses": ["198.18.0.1/30"], }, /* more */ }`,
  `{ "limits": { "flowBytes": "1MiB", "tcpFlows": 10 }, "timeouts": { "udpIdle": "1m30s" } }`,
  `{ "log": { "level": "debug", "format": "json" }, "color": "never", "dns": { "servers": [] } }`,
  `{ "a": [1, -2.5e3, true, null, "\\u00e9\\n"], "b": { "c": {} } }`,
  `${"[".repeat(70)}`,
];

export const configTarget = textTarget("config", CONFIGS, (text) => {
  try {
    const values = parseConfig("config.json", text);
    hold(values.size < 100, `${values.size} values`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    hold(error.message.length < 2_000, "a message of more than 2000 characters");
  }
});

export const jsoncTarget = textTarget("jsonc", CONFIGS, (text) => {
  const value = attempt(() => toValue(parseJsonc(text)), JsoncError);
  const strict = attempt(() => JSON.parse(text), SyntaxError);
  if (strict === undefined) return;
  // What JSON is, JSON with comments is too (but for what nests too deep).
  hold(value !== undefined || text.includes("[["), "JSON was refused");
  if (value !== undefined) {
    hold(JSON.stringify(value) === JSON.stringify(strict), "read differently");
  }
});

const PROXIES = [
  `socks5://user:${SECRET}@192.0.2.1:1080`,
  `socks5h://u%40x:${SECRET}@[2001:db8::1]:1080/`,
  "127.0.0.1:1080",
  "proxy.example",
  "[::1]",
];

export const proxyUrlTarget = textTarget("proxy-url", PROXIES, (text) => {
  try {
    const { host, port } = parseProxyUrl(text);
    hold(port >= 1 && port <= 65_535 && host.length > 0 && host.length <= 254, `${host} ${port}`);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    hold(!`${error.message}${error.hint}`.includes(SECRET.slice(0, 8)), "a password is shown");
  }
});

const ADDRESSES = [
  "192.0.2.1",
  "2001:db8::1",
  "::ffff:192.0.2.1",
  "::",
  "fd7a:7475:6e00::1/64",
  "10.0.0.0/8",
  "[2001:db8::1]:443",
  "example.com:80",
  "1:2:3:4:5:6:7:8",
];

export const addressTarget = textTarget("address", ADDRESSES, (text) => {
  const address = parseAddress(text);
  if (address !== undefined) {
    const again = parseAddress(formatAddress(address));
    hold(again !== undefined && sameAddress(again, address), "printed as another address");
  }
  const prefix = parsePrefix(text);
  if (prefix !== undefined) {
    hold(prefix.length <= prefix.address.length * 8, `a prefix of ${prefix.length} bits`);
    hold(parsePrefix(formatPrefix(prefix))?.length === prefix.length, "printed as another prefix");
  }
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) return;
  const again = parseEndpoint(formatEndpoint(endpoint.host, endpoint.port));
  hold(
    again?.host === endpoint.host && again.port === endpoint.port,
    "printed as another endpoint",
  );
});

/** What `body` gives; undefined when it throws an `expected` error. */
function attempt(body: () => unknown, expected: new (...args: never[]) => Error): unknown {
  try {
    return body();
  } catch (error) {
    if (error instanceof expected) return undefined;
    throw error;
  }
}
