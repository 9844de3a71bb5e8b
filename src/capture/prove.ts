/** The tunnel proven before it counts as ready, unless somebody wants to stop meanwhile. */

import type { EngineFigures } from "../figures.ts";
import type { HostLog } from "../host/step.ts";
import { describeProbe, probeFailure, type ProbeIo, probeTunnel } from "./probe.ts";

export interface ProofOptions {
  readonly device: string;
  /** Whom to ask for names through the tunnel. */
  readonly servers: readonly string[];
  readonly engine: { figures(): Promise<Pick<EngineFigures, "proxyUdp">> };
  /** Settles when somebody wants to stop: then nothing is to be proven any more. */
  readonly hurry: Promise<void>;
  readonly log: HostLog;
  readonly io?: ProbeIo;
}

/** What programs send arrives, and is answered; throws what does not. */
export async function prove(options: ProofOptions): Promise<void> {
  const abort = new AbortController();
  const hurried = options.hurry.then(() => abort.abort());
  await Promise.race([ask(options, abort.signal), hurried]);
}

async function ask(
  { device, servers, engine, log, io }: ProofOptions,
  signal: AbortSignal,
): Promise<void> {
  const { proxyUdp } = await engine.figures();
  const report = await probeTunnel({
    device,
    servers,
    udpRelayed: proxyUdp === "relays",
    signal,
    ...(io === undefined ? {} : { io }),
  });
  for (const line of describeProbe(report)) log.debug(line);
  if (!report.ok) throw probeFailure(report);
}
