/** Checks of the tunnel itself, from outside, while its command is idle. */

import type { Reach } from "./client.ts";
import { type Check, expect } from "./result.ts";

/** Of a tunnel's status, what the demo looks at. */
export interface TunnelFigures {
  readonly proxyUdp: string;
  /** What is held at this moment, by name. */
  readonly gauges: Readonly<Record<string, number>>;
  readonly dns: { readonly queries: number };
}

type ReadFigures = () => Promise<TunnelFigures | undefined>;

const PAUSE = 50;
/** Idle mappings go after a second, flows in TIME-WAIT a little later. */
const PATIENCE = 8_000;
/** A name server on IPv4, and one on IPv6. */
const SERVERS = 2;

/** The tunnel has to have found out by itself. */
export function relayVerdictCheck(reach: Reach, read: ReadFigures): Check {
  const expected = reach === "all" ? "relays" : "no";
  return {
    name: reach === "all" ? "proxy with UDP" : "proxy without UDP",
    async run() {
      const { proxyUdp } = await readFigures(read);
      expect(proxyUdp === expected, `the tunnel takes its UDP for "${proxyUdp}"`);
      return reach === "all" ? "found to relay UDP" : "found not to relay UDP";
    },
  };
}

/**
 * Nothing may be held but what is kept for the next name: one association, which all names share, or
 * the connections to their servers, for ten seconds. These must be gone when the tunnel is.
 */
export function nothingLeftCheck(reach: Reach, read: ReadFigures, patience = PATIENCE): Check {
  return {
    name: reach === "all" ? "nothing left" : "nothing left, without UDP",
    patience: patience + 5_000,
    async run() {
      const deadline = performance.now() + patience;
      for (;;) {
        const figures = await readFigures(read);
        const left = heldIn(figures);
        if (left.length === 0) return summary(figures);
        expect(performance.now() < deadline, `still held: ${left.join(", ")}`);
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    },
  };
}

function heldIn({ gauges, dns }: TunnelFigures): string[] {
  const kept: Record<string, number> = dns.queries === 0
    ? {}
    : { udpAssociations: 1, dnsConnections: SERVERS };
  return Object.entries(gauges)
    .filter(([name, count]) => count > (kept[name] ?? 0))
    .map(([name, count]) => `${name} ${count}`);
}

function summary({ gauges }: TunnelFigures): string {
  const kept = [
    ...counted(gauges.udpAssociations, "association"),
    ...counted(gauges.dnsConnections, "connection"),
  ];
  const but = kept.length === 0 ? "" : `, ${kept.join(" and ")} kept for names`;
  return `no flow, UDP port or buffered byte${but}`;
}

function counted(count: number | undefined, noun: string): string[] {
  if (count === undefined || count === 0) return [];
  return [`${count} ${noun}${count === 1 ? "" : "s"}`];
}

/** When both tunnels have ended, from the other end of all their connections. */
export function proxyLeftCheck(
  read: () => Promise<{ readonly connections: number; readonly associations: number }>,
): Check {
  return {
    name: "nothing left at the proxy",
    async run() {
      const { connections, associations } = await read();
      expect(
        connections === 0 && associations === 0,
        `still open: ${connections} connections, ${associations} associations`,
      );
      return "no connection and no association, after both tunnels";
    },
  };
}

async function readFigures(read: ReadFigures): Promise<TunnelFigures> {
  const figures = await read();
  if (figures === undefined) throw new Error("the tunnel does not answer on its control socket");
  return figures;
}
