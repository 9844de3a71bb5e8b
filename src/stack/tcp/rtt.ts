/** Round-trip time and the retransmission timeout (RFC 6298), in milliseconds. */

/**
 * RFC 6298 says one second for the whole; everybody uses less. 200 ms on top of the round trip are above
 * every delayed acknowledgement, and a queue that fills in one burst does not pass for a loss.
 */
const SHORTEST_MARGIN = 200;
const LONGEST = 60_000;
const INITIAL = 1_000;

export class RttEstimator {
  /** Smoothed; 0 until the first sample. */
  smoothed = 0;
  #variation = 0;
  #base = INITIAL;
  #backoff = 0;

  /** Takes the time that one exchange took, and forgets the backing off. */
  sample(elapsed: number): void {
    const rtt = Math.max(elapsed, 0.01);
    if (this.smoothed === 0) {
      this.smoothed = rtt;
      this.#variation = rtt / 2;
    } else {
      this.#variation += (Math.abs(this.smoothed - rtt) - this.#variation) / 4;
      this.smoothed += (rtt - this.smoothed) / 8;
    }
    this.#base = Math.min(this.smoothed + Math.max(4 * this.#variation, SHORTEST_MARGIN), LONGEST);
    this.#backoff = 0;
  }

  /** The timeout that holds now. */
  get timeout(): number {
    if (this.#backoff === 0) return this.#base;
    return Math.min(this.#base * 2 ** this.#backoff, LONGEST);
  }

  /** How often the timer has run out since the last progress. */
  get backoffs(): number {
    return this.#backoff;
  }

  /** The timer ran out: wait twice as long the next time. */
  backOff(): void {
    if (this.#backoff < 16) this.#backoff++;
  }

  /** Progress without a usable sample (Karn): stop backing off. */
  progress(): void {
    this.#backoff = 0;
  }
}
