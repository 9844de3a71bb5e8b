/** Whether a flow that came into the tunnel is the proxy's own: asked of the kernel, now and then. */

import { holdersOf } from "../host/owner/descriptors.ts";
import { socketOfFlow } from "../host/owner/flow_socket.ts";
import { type FlowSample, type LoopReport, LoopWatchdog } from "../host/owner/loop_watchdog.ts";
import type { LocalProxy } from "./local_proxy.ts";

/** Looking whose a socket is goes through all processes. */
const LEAST_PAUSE_MS = 5_000;

export type JudgeFlow = (flow: FlowSample, now: number) => LoopReport | undefined;

/** A proxy on another host cannot run in a circle. */
export function flowJudge(local: Pick<LocalProxy, "diag" | "processes"> | undefined): JudgeFlow {
  if (local === undefined) return () => undefined;
  const watchdog = new LoopWatchdog({
    socketOf: (flow) => socketOfFlow(local.diag, flow),
    ownerOf: (inode) => holdersOf(new Set([inode]), local.processes())[0],
    intervalMs: LEAST_PAUSE_MS,
  });
  return (flow, now) => watchdog.look(flow, now);
}
