/**
 * Where packets enter: a device, or something that behaves like one.
 *
 * A link gives packets into slots of its arena and takes packets from there. It never waits: when there
 * is nothing to read it says so, and the engine decides how to wait. Trace, capture and fault injection
 * wrap a link; nothing above knows.
 */

import type { PacketOutput } from "../packet_output.ts";

export interface Link extends PacketOutput {
  /** Reads the next packet into the slot at `at`; where it ends, or `at` when there is none now. */
  receive(at: number): number;
  close(): void;
}
