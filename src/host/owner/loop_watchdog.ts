/**
 * Tells from a flow in the tunnel that the proxy's own traffic came in: a loop, in which every connection
 * makes another.
 *
 * The engine shows a flow now and then, the newest. Whose socket it comes from is asked of the kernel,
 * whose inodes the proxy has, of `/proc`; both are passed in, so that this decides and does nothing else.
 */

import { formatSocketAddress } from "../../addr/endpoint.ts";
import type { InetSocket, SocketEnd, SocketProtocol } from "../../../ffi/sock_diag_linux.ts";
import type { ProcessInfo } from "./process_table.ts";

/** A flow as it entered the tunnel. */
export interface FlowSample {
  readonly protocol: SocketProtocol;
  readonly source: SocketEnd;
  readonly destination: SocketEnd;
}

export interface LoopReport {
  readonly process: ProcessInfo;
  readonly flow: FlowSample;
  /** One sentence for the log. */
  readonly message: string;
}

export interface LoopWatchdogOptions {
  /** The socket that a flow comes from; undefined for one that was forwarded, or is closed already. */
  readonly socketOf: (flow: FlowSample) => InetSocket | undefined;
  /** Which of the proxy's processes has the socket; undefined for none. */
  readonly ownerOf: (inode: number) => ProcessInfo | undefined;
  /** Least time between two looks. */
  readonly intervalMs: number;
}

export class LoopWatchdog {
  readonly #options: LoopWatchdogOptions;
  #nextLook = 0;
  #reported = "";

  constructor(options: LoopWatchdogOptions) {
    this.#options = options;
  }

  /** Whether a flow is wanted: no need to put one together before. */
  isDue(now: number): boolean {
    return now >= this.#nextLook;
  }

  /** Undefined when the flow is not the proxy's, or the same was said of the last one. */
  look(flow: FlowSample, now: number): LoopReport | undefined {
    if (!this.isDue(now)) return undefined;
    this.#nextLook = now + this.#options.intervalMs;
    const socket = this.#options.socketOf(flow);
    // Closed by its process, it lingers without an inode.
    if (socket === undefined || socket.inode === 0) return undefined;
    const process = this.#options.ownerOf(socket.inode);
    if (process === undefined) return undefined;
    return this.#report(process, flow);
  }

  #report(process: ProcessInfo, flow: FlowSample): LoopReport | undefined {
    const to = formatSocketAddress(flow.destination.address, flow.destination.port);
    const message =
      `The proxy's own traffic runs in a circle: ${process.name} (pid ${process.pid}) ` +
      `sent to ${to} through the tunnel`;
    if (message === this.#reported) return undefined;
    this.#reported = message;
    return { process, flow, message };
  }
}
