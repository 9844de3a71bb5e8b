/**
 * `ztun socks`: serves until SIGINT or SIGTERM, then lets what is under way finish. A second signal ends
 * it at once.
 */

import { formatEndpoint } from "../addr/endpoint.ts";
import { Exit, type ExitCode, UserError } from "../errors.ts";
import type { Socks5ServerCredentials } from "./credentials.ts";
import type { Socks5ServerLimits } from "./limits.ts";
import { Socks5Server } from "./server.ts";

export interface RunSocksOptions {
  readonly listen: { readonly hostname: string; readonly port: number };
  readonly credentials?: Socks5ServerCredentials | undefined;
  readonly udp: boolean;
  readonly limits: Partial<Socks5ServerLimits>;
  /** Milliseconds that connections get to finish in. */
  readonly grace: number;
  readonly reset?: ((connection: Deno.TcpConn) => void) | undefined;
  /** Writes a line, without its end, to stderr. */
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
  readonly addSignalListener: (signal: Deno.Signal, listener: () => void) => void;
  readonly removeSignalListener: (signal: Deno.Signal, listener: () => void) => void;
}

const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];

/** Resolves with the exit code. Throws a `UserError` when it cannot listen. */
export async function runSocks(options: RunSocksOptions): Promise<ExitCode> {
  const server = new Socks5Server({
    listen: options.listen,
    credentials: options.credentials,
    udp: options.udp,
    limits: options.limits,
    reset: options.reset,
    log: options.warn,
  });
  const first = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = () => {
    if (++signals === 1) first.resolve();
    else server.close(0);
  };
  // Listened for before the line that says "ready": whoever reads it may send a signal at once.
  for (const signal of SIGNALS) options.addSignalListener(signal, onSignal);
  try {
    const { hostname, port } = listen(server, options);
    warnIfOpen(hostname, options);
    options.say(`listening on ${formatEndpoint(hostname, port)}`);
    await first.promise;
    await server.close(options.grace);
    return signals > 1 ? Exit.Interrupted : Exit.Ok;
  } finally {
    for (const signal of SIGNALS) options.removeSignalListener(signal, onSignal);
  }
}

function listen(server: Socks5Server, options: RunSocksOptions): Deno.NetAddr {
  const { hostname, port } = options.listen;
  try {
    return server.start();
  } catch (cause) {
    throw new UserError(`Cannot listen on ${formatEndpoint(hostname, port)}`, {
      cause,
      hint: hintFor(cause, hostname, port),
    });
  }
}

function hintFor(cause: unknown, hostname: string, port: number): string {
  if (cause instanceof Deno.errors.AddrInUse) {
    const other = formatEndpoint(hostname, port < 65_535 ? port + 1 : 1080);
    return `See who listens there with \`ss -ltnp 'sport = :${port}'\`, or run \`ztun socks --listen ${other}\``;
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return `Ports below 1024 need privileges: run \`ztun socks --listen ${
      formatEndpoint(hostname, 1080)
    }\``;
  }
  return "See this host's addresses with `ip address`, or run `ztun socks --listen 127.0.0.1:1080`";
}

/** An open proxy is found and used by strangers within hours. */
function warnIfOpen(hostname: string, options: RunSocksOptions): void {
  const local = hostname === "::1" || hostname.startsWith("127.");
  if (local || options.credentials !== undefined) return;
  options.warn(
    `everybody who reaches ${hostname} can use this proxy: ` +
      "add --user NAME --password-file FILE, or listen on 127.0.0.1",
  );
}
