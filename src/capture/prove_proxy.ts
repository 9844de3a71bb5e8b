/** Whether the proxy is there and speaks SOCKS5: all that can be proven where the host's names are its own. */

import { formatEndpoint } from "../addr/endpoint.ts";
import type { ProxySettings } from "../config/settings.ts";
import { UserError } from "../errors.ts";
import type { HostLog } from "../host/step.ts";

const VERSION = 5;
const NO_PASSWORD = 0;
const PASSWORD = 2;
const PATIENCE_MS = 10_000;

export interface ProveProxyOptions {
  readonly proxy: ProxySettings;
  /** Where it is; tried in order. */
  readonly addresses: readonly string[];
  /** Settles when nobody wants to know any more. */
  readonly hurry: Promise<void>;
  readonly log: HostLog;
}

/** Throws with the reason when it is not. */
export async function proveProxy(options: ProveProxyOptions): Promise<void> {
  const { proxy, addresses, hurry, log } = options;
  const stop = new AbortController();
  void hurry.then(() => stop.abort());
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(PATIENCE_MS)]);
  let cause: unknown;
  for (const hostname of addresses) {
    try {
      await greet(hostname, proxy, signal);
      return log.debug("The proxy answers; TCP, names and UDP through the tunnel were not tried");
    } catch (error) {
      if (stop.signal.aborted) return;
      cause = error;
    }
  }
  const where = formatEndpoint(proxy.host, proxy.port);
  throw new UserError(`No SOCKS5 proxy answers at ${where}`, {
    cause,
    hint: "Start it first, or see `ss -ltn`; `--no-probe` starts without this proof",
  });
}

async function greet(hostname: string, proxy: ProxySettings, signal: AbortSignal): Promise<void> {
  const connection = await Deno.connect({ hostname, port: proxy.port, signal });
  const close = () => connection.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    const methods = proxy.user === undefined ? [NO_PASSWORD] : [NO_PASSWORD, PASSWORD];
    await connection.write(Uint8Array.of(VERSION, methods.length, ...methods));
    const answer = new Uint8Array(2);
    const length = await connection.read(answer);
    if (length === null || answer[0] !== VERSION) throw new Error("It speaks no SOCKS5");
    if (length === 2 && !methods.includes(answer[1]!)) throw new Error("It asks for a password");
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) connection.close();
  }
}
