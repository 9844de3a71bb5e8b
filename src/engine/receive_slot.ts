/**
 * Where bytes of the proxy are read to: small slots while little comes, so that ten thousand chatty flows
 * hold 2 KiB each, and large ones in a bulk transfer.
 */

import type { Arena } from "../arena.ts";
import { RESERVED_SLOTS } from "./context.ts";

/** A slot, or -1 when there is none to spare. */
export function takeSlot(arena: Arena, bulk: boolean): number {
  if (!bulk) return arena.takeSmall();
  return arena.freeLarge > RESERVED_SLOTS ? arena.takeLarge() : -1;
}
