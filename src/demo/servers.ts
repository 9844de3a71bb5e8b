/**
 * The far side of `ztun demo`: small HTTP, UDP echo and DNS servers, on loopback and on free ports, in this
 * process. Each has a `close` that leaves nothing.
 */

import type { DemoServer } from "./demo_server.ts";
import { startDnsServer } from "./dns_server.ts";
import { startEchoServer } from "./echo_server.ts";
import type { Zone } from "./dns_zone.ts";
import { startHttpServer } from "./http_server.ts";

export interface DemoServers {
  readonly http: DemoServer;
  readonly echo: DemoServer;
  readonly dns: DemoServer;
  close(): Promise<void>;
}

/** All three on `hostname`, "127.0.0.1" or "::1"; the DNS server knows the names of `zone`. */
export function startDemoServers(hostname: string, zone: Zone): DemoServers {
  const started: DemoServer[] = [];
  const start = (server: DemoServer) => {
    started.push(server);
    return server;
  };
  const close = async () => {
    await Promise.all(started.map((server) => server.close()));
  };
  try {
    return {
      http: start(startHttpServer(hostname)),
      echo: start(startEchoServer(hostname)),
      dns: start(startDnsServer(hostname, zone)),
      close,
    };
  } catch (error) {
    // What could be started must not outlive the failure of the next.
    close();
    throw error;
  }
}
