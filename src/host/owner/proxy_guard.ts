/**
 * Keeps the proxy exempted for as long as the tunnel lives: at the start, and again whenever another
 * process takes its place.
 *
 * `tick` is cheap, and to be called with the time: regularly, and after `connectFailed` before the proxy
 * is dialled again. Then nothing asks a proxy to send that is not exempted yet.
 */

import { ListenerWatch, type ListenerWatchOptions } from "./listener_watch.ts";
import type { AppliedExemption, ExemptionPlan, PlannedExemption } from "./proxy_exemption.ts";

export type GuardNews =
  | {
    readonly kind: "exempted";
    readonly plan: PlannedExemption;
    readonly applied: AppliedExemption;
  }
  /** There is no owner, or none that could be exempted: what the proxy sends would come back. */
  | { readonly kind: "not-exempted"; readonly plan: ExemptionPlan }
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly error: unknown };

/** What plans and applies; a `ProxyExemption` is one. */
export interface Exempting {
  plan(): ExemptionPlan;
  apply(plan: PlannedExemption): AppliedExemption;
}

export class ProxyGuard {
  readonly #exempting: Exempting;
  readonly #watch: ListenerWatch;
  #last = "";

  constructor(exempting: Exempting, options: ListenerWatchOptions) {
    this.#exempting = exempting;
    this.#watch = new ListenerWatch(options);
  }

  /** When `tick` will look next. */
  get nextLook(): number {
    return this.#watch.nextLook;
  }

  /** Exempts whose the proxy is now. Throws what keeps it from that. */
  start(now: number): GuardNews {
    const news = this.#exempt(now);
    this.#last = describe(news);
    return news;
  }

  /** What is new since the last time; undefined for nothing. */
  tick(now: number): GuardNews | undefined {
    const news = this.#look(now);
    if (news === undefined) return undefined;
    const said = describe(news);
    // A proxy that cannot be exempted is looked at every time, and told of once.
    if (said === this.#last && news.kind !== "exempted") return undefined;
    this.#last = said;
    return news;
  }

  connectFailed(now: number): void {
    this.#watch.connectFailed(now);
  }

  #look(now: number): GuardNews | undefined {
    switch (this.#watch.tick(now)) {
      case "same":
        return undefined;
      case "gone":
        return { kind: "gone" };
      case "changed":
        return this.#tryToExempt(now);
    }
  }

  #tryToExempt(now: number): GuardNews {
    try {
      return this.#exempt(now);
    } catch (error) {
      return { kind: "failed", error };
    }
  }

  #exempt(now: number): GuardNews {
    const plan = this.#exempting.plan();
    if (plan.kind !== "planned" || plan.exemption.kind === "refused") {
      this.#watch.follow([], [], now);
      return { kind: "not-exempted", plan };
    }
    const applied = this.#exempting.apply(plan);
    const { listeners, holders } = plan.owner;
    this.#watch.follow(listeners.map(({ inode }) => inode), holders, now);
    return { kind: "exempted", plan, applied };
  }
}

function describe(news: GuardNews): string {
  switch (news.kind) {
    case "not-exempted":
      return news.plan.kind;
    case "failed":
      return String(news.error);
    default:
      return news.kind;
  }
}
