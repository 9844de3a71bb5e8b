/**
 * How a server carries datagrams: on the system's own sockets, many per call, where there are such; else on
 * Deno's, one by one.
 */

import { BatchUdpRelay } from "./batch_udp_relay.ts";
import { DenoUdpRelay } from "./deno_udp_relay.ts";
import { UdpLoop } from "./udp_loop.ts";
import type { UdpRelay, UdpRelayOptions } from "./udp_relay.ts";

export class UdpRelays {
  /** Made for the first association; null where it cannot be. */
  #loop: UdpLoop | null | undefined = undefined;

  /** `batched`: false leaves it at Deno's sockets. */
  constructor(batched = Deno.build.os === "linux") {
    if (!batched) this.#loop = null;
  }

  /** Throws the system's error when no socket can be had. */
  open(options: UdpRelayOptions): UdpRelay {
    if (this.#loop === undefined) this.#loop = openLoop();
    const loop = this.#loop;
    // A link-local address is one on some link, which only Deno's form of it says.
    if (loop === null || options.localHost.includes("%")) return new DenoUdpRelay(options);
    return new BatchUdpRelay(options, loop);
  }

  /** All relays are closed. */
  async close(): Promise<void> {
    const loop = this.#loop;
    this.#loop = null;
    await loop?.close();
  }
}

/** FFI may be forbidden, or the C library another one. */
function openLoop(): UdpLoop | null {
  try {
    return new UdpLoop();
  } catch {
    return null;
  }
}
