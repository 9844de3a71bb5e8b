/**
 * Everything beyond the proxy: the servers on IPv4 and IPv6 loopback, the address at which clients know
 * each, and a port that is sure to be closed.
 */

import { parseAddress } from "../addr/address.ts";
import type { Zone } from "./dns_zone.ts";
import {
  FAMILIES,
  type Family,
  type FarSide,
  NAME,
  NAME_SERVER,
  type Pair,
  Port,
  WEB,
} from "./plan.ts";
import { startDemoServers } from "./servers.ts";
import { startStreamServer } from "./stream_server.ts";

const LOOPBACK = { 4: "127.0.0.1", 6: "::1" } as const;

export interface RunningFarSide extends FarSide {
  close(): Promise<void>;
}

/** `loopback` is where IPv6 destinations are; on a machine without it, IPv4 stands in. */
export async function startFarSide(loopback: string = LOOPBACK[6]): Promise<RunningFarSide> {
  const standIn = !canListen(loopback);
  const pairs: Pair[] = [];
  const closers: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const end of closers) await end();
  };
  try {
    for (const family of FAMILIES) {
      const host = standIn || family === 4 ? LOOPBACK[4] : loopback;
      await startFamily(family, host, pairs, closers);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { pairs, standIn, close };
}

async function startFamily(
  family: Family,
  host: string,
  pairs: Pair[],
  closers: (() => void | Promise<void>)[],
): Promise<void> {
  const servers = startDemoServers(host, zone());
  closers.push(() => servers.close());
  const stream = startStreamServer(host);
  closers.push(() => stream.close());
  const closed = await holdClosedPort(host);
  closers.push(() => closed.release());
  const show = (shown: string, port: number, real: number) =>
    pairs.push({ shown: { host: shown, port }, real: { host, port: real } });
  show(WEB[family], Port.Http, servers.http.port);
  show(WEB[family], Port.Echo, servers.echo.port);
  show(WEB[family], Port.Stream, stream.port);
  show(WEB[family], Port.Closed, closed.port);
  show(NAME_SERVER[family], Port.Dns, servers.dns.port);
}

function zone(): Zone {
  const addresses = FAMILIES.map((family) => parseAddress(WEB[family]));
  return new Map([[NAME, addresses.filter((address) => address !== undefined)]]);
}

function canListen(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * A port where nobody listens. It is one end of a connection that lasts: as long as it does, the system
 * gives the port to no other program.
 */
async function holdClosedPort(hostname: string): Promise<{ port: number; release(): void }> {
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  const ends = await Promise.all([Deno.connect({ hostname, port }), listener.accept()]);
  listener.close();
  return {
    port,
    release() {
      for (const end of ends) end.close();
    },
  };
}
