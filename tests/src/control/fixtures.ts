/** A directory for control sockets, tunnels that listen there, and what they might say. */

import { socketPath } from "../../../src/control/socket_path.ts";
import type { CaptureStatus, TunnelStatus } from "../../../src/control/status.ts";
import { Counters } from "../../../src/counters.ts";

export class ControlDirectory implements AsyncDisposable {
  /** Short, because the path of a socket may have 107 octets only. */
  readonly path = Deno.makeTempDirSync({ prefix: "ztun-" });

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** A tunnel of process `pid` that does `serve` with each who asks. */
export class FakeTunnel implements AsyncDisposable {
  readonly #listener: Deno.UnixListener;
  readonly #done: Promise<void>;

  constructor(directory: string, pid: number, serve: (asker: Deno.UnixConn) => Promise<void>) {
    this.#listener = Deno.listen({ transport: "unix", path: socketPath(directory, pid) });
    this.#done = this.#accept(serve);
  }

  async #accept(serve: (asker: Deno.UnixConn) => Promise<void>): Promise<void> {
    for await (const asker of this.#listener) {
      await serve(asker);
      asker.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

/** Reads one request, and answers it. */
export function replying(
  answer: (request: string) => unknown,
): (asker: Deno.UnixConn) => Promise<void> {
  return async (asker) => {
    const buffer = new Uint8Array(1_000);
    const length = await asker.read(buffer) ?? 0;
    const request = new TextDecoder().decode(buffer.subarray(0, length)).trimEnd();
    await asker.write(new TextEncoder().encode(`${JSON.stringify(answer(request))}\n`));
  };
}

export function sampleStatus(changes: Partial<TunnelStatus> = {}): TunnelStatus {
  return {
    schemaVersion: 1,
    pid: 4711,
    version: "0.1.0",
    command: "up",
    state: "ready",
    engine: "async",
    workers: 1,
    uptimeSeconds: 3_725,
    graceSeconds: 5,
    proxy: "127.0.0.1:1080",
    proxyUdp: "relays",
    proxyPipelining: "yes",
    device: { name: "ztun0", mtu: 1_500, offload: true },
    gauges: {
      tcpFlows: 3,
      tcpHalfOpen: 1,
      tcpRelays: 3,
      udpMappings: 2,
      udpAssociations: 1,
      dnsInFlight: 0,
      dnsConnections: 0,
      reassembling: 0,
      bytesBuffered: 69_632,
    },
    counters: new Counters(),
    dns: {
      queries: 10,
      answers: 9,
      timeouts: 1,
      refused: 0,
      retransmitted: 0,
      mismatched: 0,
      unexpected: 0,
      overflow: 0,
      latency: { last: 4, mean: 5, min: 1, max: 20, p50: 4.25, p99: 19.96 },
    },
    ...changes,
  };
}

export function sampleCapture(changes: Partial<CaptureStatus> = {}): CaptureStatus {
  return {
    table: 51_820,
    mark: 0x7a74,
    strict: false,
    resolver: "systemd-resolved",
    include: [],
    bypass: [],
    network: "online",
    intact: true,
    outside: [],
    refused: {},
    changes: 0,
    rewritten: 0,
    ...changes,
  };
}
