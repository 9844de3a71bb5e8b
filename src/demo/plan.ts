/**
 * Who is where in the demo. To the clients, which sit in a network namespace and can name no loopback
 * but their own, the servers have addresses that are set aside for documentation (RFC 5737, RFC 3849);
 * the demo's SOCKS5 server connects to where they really are.
 */

export type Family = 4 | 6;

export const FAMILIES: readonly Family[] = [4, 6];

/** The name that the demo's DNS server knows. */
export const NAME = "www.demo.test";

export const WEB = { 4: "192.0.2.80", 6: "2001:db8::80" } as const;
export const NAME_SERVER = { 4: "192.0.2.53", 6: "2001:db8::53" } as const;

export const Port = {
  Echo: 7,
  Dns: 53,
  Http: 80,
  /** Nobody listens there, and nobody will. */
  Closed: 81,
  Stream: 5000,
} as const;

/** A destination as clients know it, and where it really is. */
export interface Pair {
  readonly shown: { readonly host: string; readonly port: number };
  readonly real: { readonly host: string; readonly port: number };
}

/** What the far side prints when it serves. */
export interface FarSide {
  readonly pairs: readonly Pair[];
  /** This machine has no IPv6 loopback: beyond the proxy, IPv6 destinations are served over IPv4. */
  readonly standIn: boolean;
}
