/** A capture as `status` tells of it. */

import { SysError } from "../../ffi/libc.ts";
import type { CaptureSettings } from "../config/settings.ts";
import type { CaptureStatus } from "../control/status.ts";
import { withNftables } from "../host/changes/table_change.ts";
import type { Capture } from "./capture.ts";
import type { Keeper } from "./keeper.ts";
import { strictTable } from "./tables.ts";

/** A capture that runs, as far as it is told of. */
export interface ToldCapture {
  readonly capture: Pick<Capture, "device" | "routing"> & {
    readonly resolver:
      | { readonly plan: { readonly conf: string }; readonly rewritten: number }
      | undefined;
  };
  /** Texts; to whom the host's resolver was pointed. */
  readonly nameServers: readonly string[];
}

/** Packets by the names of a table's counters. */
type ReadCounters = (table: string) => ReadonlyMap<string, { readonly packets: number }>;

const readCounters: ReadCounters = (table) => withNftables((socket) => socket.counters(table));

export function captureStatus(
  { capture, nameServers }: ToldCapture,
  keeper: Pick<Keeper, "changes" | "intact" | "online" | "proxyNews">,
  settings: CaptureSettings,
  counters: ReadCounters = readCounters,
): CaptureStatus {
  const { include, bypass, strict } = settings;
  const { resolver, routing, device } = capture;
  return {
    table: routing.table,
    mark: routing.mark,
    strict,
    resolver: resolver === undefined ? "off" : `${resolver.plan.conf}: ${nameServers.join(", ")}`,
    include,
    bypass,
    network: keeper.online ? "online" : "offline",
    intact: keeper.intact,
    outside: keeper.proxyNews === "" ? [] : [keeper.proxyNews],
    refused: strict ? refused(strictTable(device), counters) : {},
    changes: keeper.changes,
    rewritten: resolver?.rewritten ?? 0,
  };
}

/** Empty when somebody has taken the table away: that is the truth then. */
function refused(table: string, counters: ReadCounters): Record<string, number> {
  try {
    return Object.fromEntries([...counters(table)].map(([name, { packets }]) => [name, packets]));
  } catch (error) {
    if (error instanceof SysError) return {};
    throw error;
  }
}
