/**
 * Congestion control: NewReno (RFC 5681, 6582) and CUBIC (RFC 9438).
 *
 * The sender says what happened; these say how many bytes may be in flight. Loss detection and recovery
 * are the sender's, the same for both.
 */

export interface Congestion {
  /** Bytes that may be in flight. */
  window: number;
  /** The segment size changed, or is known now. */
  setSegment(mss: number): void;
  /** `acked` new bytes were acknowledged while the window was in use to its limit. */
  acknowledged(acked: number, now: number, rtt: number): void;
  /** Segments were lost, but acknowledgements keep coming. Called once per episode. */
  lost(flight: number): void;
  /** The retransmission timer ran out; `again` when nothing was acknowledged since the last time. */
  timedOut(flight: number, again: boolean): void;
}

export type CongestionKind = "cubic" | "newreno";

export function makeCongestion(kind: CongestionKind): Congestion {
  return kind === "cubic" ? new Cubic() : new NewReno();
}

/** RFC 6928: ten segments, or what comes to about 15 KB. */
function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600));
}

export class NewReno implements Congestion {
  window = 0;
  #threshold = Infinity;
  #mss = 0;
  #counted = 0;

  setSegment(mss: number): void {
    if (this.#mss === 0) this.window = initialWindow(mss);
    this.#mss = mss;
  }

  acknowledged(acked: number, _now: number, _rtt: number): void {
    const slowly = Math.min(acked, Math.max(0, this.#threshold - this.window));
    this.window += slowly;
    this.#counted += acked - slowly;
    if (this.#counted < this.window) return;
    this.#counted -= this.window;
    this.window += this.#mss;
  }

  lost(flight: number): void {
    this.#threshold = this.#halved(flight);
    this.window = this.#threshold;
    this.#counted = 0;
  }

  timedOut(flight: number, again: boolean): void {
    // RFC 5681, 3.1 (equation 4): held constant when the same segment is lost once more.
    if (!again) this.#threshold = this.#halved(flight);
    this.window = this.#mss;
    this.#counted = 0;
  }

  /** Half of what was out; what SACK reports may come on top of the window, and does not count. */
  #halved(flight: number): number {
    return Math.max(Math.min(flight, this.window) / 2, 2 * this.#mss);
  }
}

const CUBIC_C = 0.4;
const CUBIC_BETA = 0.7;

export class Cubic implements Congestion {
  window = 0;
  #threshold = Infinity;
  #mss = 0;
  /** In segments and seconds, as in the RFC. */
  #windowMax = 0;
  #k = 0;
  #epochAt = -1;
  #windowAtEpoch = 0;
  #renoWindow = 0;

  setSegment(mss: number): void {
    if (this.#mss === 0) this.window = initialWindow(mss);
    this.#mss = mss;
  }

  acknowledged(acked: number, now: number, rtt: number): void {
    const slowly = Math.min(acked, Math.max(0, this.#threshold - this.window));
    this.window += slowly;
    acked -= slowly;
    if (acked === 0) return;
    const window = this.window / this.#mss;
    if (this.#epochAt < 0) this.#beginEpoch(window, now);
    const elapsed = (now - this.#epochAt) / 1000;
    const target = this.#cubic(elapsed + rtt / 1000);
    // Section 4.3: at least what Reno would have, growing alpha segments per window.
    const alpha = this.#renoWindow < this.#windowMax ? 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA) : 1;
    this.#renoWindow += alpha * (acked / this.#mss) / window;
    if (this.#cubic(elapsed) < this.#renoWindow) {
      this.window = Math.max(this.window, this.#renoWindow * this.#mss);
    } else {
      const bounded = Math.min(Math.max(target, window), 1.5 * window);
      this.window += acked * (bounded - window) / window;
    }
  }

  lost(_flight: number): void {
    this.#reduce();
    this.window = this.#threshold;
  }

  timedOut(_flight: number, again: boolean): void {
    if (!again) this.#reduce();
    this.window = this.#mss;
  }

  #reduce(): void {
    const window = this.window / this.#mss;
    // Fast convergence (section 4.7): a flow that is shrinking leaves room for a newcomer.
    this.#windowMax = window < this.#windowMax ? window * (1 + CUBIC_BETA) / 2 : window;
    this.#threshold = Math.max(this.window * CUBIC_BETA, 2 * this.#mss);
    this.#epochAt = -1;
  }

  #beginEpoch(window: number, now: number): void {
    this.#epochAt = now;
    this.#windowAtEpoch = window;
    this.#renoWindow = window;
    if (this.#windowMax < window) this.#windowMax = window;
    this.#k = Math.cbrt((this.#windowMax - this.#windowAtEpoch) / CUBIC_C);
  }

  #cubic(seconds: number): number {
    return CUBIC_C * (seconds - this.#k) ** 3 + this.#windowMax;
  }
}
