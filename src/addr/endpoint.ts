/**
 * A host and a port as text: `proxy.example:1080`, `192.0.2.1:1080`, `[2001:db8::1]:1080`.
 *
 * An IPv6 address must stand in brackets: without them nobody can tell where the port begins.
 */

import { type Address, formatAddress, parseIpv4, parseIpv6 } from "./address.ts";

export interface Endpoint {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** The endpoint that `text` writes, or undefined when it writes none. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return undefined;
  const port = parsePort(text.slice(colon + 1));
  const host = parseHost(text.slice(0, colon));
  if (port === undefined || host === undefined) return undefined;
  return { host, port };
}

/** 1–65535 in decimal without leading zeros; undefined otherwise. */
export function parsePort(text: string): number | undefined {
  if (!/^[1-9][0-9]{0,4}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

/** A name, an IPv4 address, or an IPv6 address in brackets; gives it without them. */
export function parseHost(text: string): string | undefined {
  if (text.startsWith("[")) {
    const address = text.endsWith("]") ? parseIpv6(text.slice(1, -1)) : undefined;
    return address === undefined ? undefined : formatAddress(address);
  }
  return isHostName(text) || parseIpv4(text) !== undefined ? text : undefined;
}

/**
 * True for what DNS can carry: labels of 1–63 letters, digits, hyphens and underscores, 253 in all.
 * A name whose last label is only digits is a mistyped IPv4 address (WHATWG URL, section 3.5).
 */
export function isHostName(text: string): boolean {
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  if (name.length > 253) return false;
  const labels = name.split(".");
  return labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label)) &&
    !/^([0-9]+|0x[0-9a-f]*)$/i.test(labels.at(-1)!);
}

/** The text that `parseEndpoint` reads back: brackets around an IPv6 address. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function formatSocketAddress(address: Address, port: number): string {
  return formatEndpoint(formatAddress(address), port);
}
