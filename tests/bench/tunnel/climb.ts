/**
 * Finds the load under which something carries most. What is offered too much carries less than it could,
 * and what is offered too little cannot show it: the offer is doubled for as long as most of it arrives,
 * and the last one is a little more than the most that did.
 */

export interface Step {
  /** Per second. */
  delivered: number;
}

/** Less than this share of what was asked for, and asking for more shows nothing. */
const ENOUGH = 0.5;
const LITTLE_MORE = 1.2;

/** The best of several steps; `offer` is given what to offer, per second. */
export async function climb<T extends Step>(
  first: number,
  offer: (rate: number) => Promise<T>,
): Promise<T> {
  let best: T | undefined;
  const carries = async (rate: number): Promise<boolean> => {
    const step = await offer(rate);
    if (best === undefined || step.delivered > best.delivered) best = step;
    return step.delivered >= rate * ENOUGH;
  };
  // Once again, because what has just been started or was disturbed must not stay at the foot.
  for (let rate = first; await carries(rate) || await carries(rate);) rate *= 2;
  await carries(best!.delivered * LITTLE_MORE);
  return best!;
}
