/**
 * What is known of one proxy: whether it takes a pipelined handshake, which method it chooses, whether it
 * relays UDP. No I/O: the driver reports how handshakes ended and asks what to do next.
 *
 *     pipelining: unknown ──answered a pipelined request──> yes
 *                    └──died before its reply──> one message at a time; if that is answered ──> no
 *
 * A dead pipelined handshake alone proves nothing (the proxy may have been restarted in the middle), so
 * "no" is written down only when one message at a time gets an answer where the pipelined one got none. A
 * "yes" is doubted after `DEATHS_TO_DOUBT` in a row: another proxy may answer there without our noticing.
 */

import { Reply } from "../../wire/socks5.ts";
import type { Socks5Handshake } from "./handshake.ts";

const DEATHS_TO_DOUBT = 3;

export type Pipelining = "unknown" | "yes" | "no";
export type UdpRelay = "unknown" | "relays" | "no";

export class Socks5Capability {
  #pipelining: Pipelining = "unknown";
  #method: number | undefined = undefined;
  #udp: UdpRelay = "unknown";
  /** A pipelined handshake died, and none has been answered since. */
  #suspected = false;
  /** Pipelined handshakes that died since the last answer. */
  #deaths = 0;

  get pipelining(): Pipelining {
    return this.#pipelining;
  }

  /** The method that the proxy chose last; a pipelined handshake with a password needs it. */
  get method(): number | undefined {
    return this.#method;
  }

  get udp(): UdpRelay {
    return this.#udp;
  }

  /** Whether the next first attempt should be pipelined; a retry never is. */
  get tryPipelined(): boolean {
    return this.#pipelining !== "no" && !this.#suspected;
  }

  /** The proxy answered the request: with success, or with a reply code. */
  answered(handshake: Socks5Handshake): void {
    this.#method = handshake.chosenMethod;
    this.#deaths = 0;
    if (handshake.pipelined) {
      this.#pipelining = "yes";
      this.#suspected = false;
    } else if (this.#suspected) {
      this.#pipelining = "no";
      this.#suspected = false;
    }
    // "Command not supported" and "not allowed" will not change; other codes may be of the moment.
    const code = handshake.failure?.code;
    if (handshake.command !== "associate") return;
    if (code === Reply.CommandNotSupported || code === Reply.NotAllowed) this.#udp = "no";
  }

  /**
   * The handshake ended without an answer to the request: it failed, or was given up while it hung.
   * True when the same request is worth another connection, now one message at a time.
   */
  unanswered(handshake: Socks5Handshake): boolean {
    const kind = handshake.failure?.kind;
    // The method that was known is known no longer: ask again, offering all.
    if (kind === "rejected-method") {
      const retry = handshake.pipelined && this.#method !== undefined;
      this.#method = undefined;
      return retry;
    }
    if (kind === "auth-failed" || kind === "password-needed") return false;
    // `ssh -D` and its like close when they are asked for an association.
    if (handshake.command === "associate" && !handshake.pipelined && kind === "closed") {
      if (handshake.chosenMethod !== undefined) this.#udp = "no";
    }
    if (!handshake.pipelined) {
      this.#suspected = false;
      return false;
    }
    if (this.#pipelining === "yes" && ++this.#deaths < DEATHS_TO_DOUBT) return false;
    this.#pipelining = "unknown";
    this.#suspected = true;
    return true;
  }

  /** A datagram went through an association and came back, or none did although it should have. */
  udpTested(relays: boolean): void {
    this.#udp = relays ? "relays" : "no";
  }

  /** The proxy was restarted, or another one answers at its address: nothing is known any more. */
  changed(): void {
    this.#pipelining = "unknown";
    this.#method = undefined;
    this.#udp = "unknown";
    this.#suspected = false;
    this.#deaths = 0;
  }
}
