/** A proxy on this very host: found, kept out of the tunnel, or the reason why that cannot be had. */

import { ProcessExits } from "../../ffi/process_exit_linux.ts";
import { SockDiag, type SocketEnd } from "../../ffi/sock_diag_linux.ts";
import type { Address } from "../addr/address.ts";
import { formatSocketAddress } from "../addr/endpoint.ts";
import { Exit, UserError } from "../errors.ts";
import { NOBODY, type Senders } from "../host/firewall/senders.ts";
import type { RecordChange } from "../host/owner/changes.ts";
import { explainAnswer } from "../host/owner/explain.ts";
import {
  type AppliedExemption,
  type ExemptionPlan,
  type PlannedExemption,
  ProxyExemption,
} from "../host/owner/proxy_exemption.ts";
import type { ProcessInfo } from "../host/owner/process_table.ts";
import { type Exempting, type GuardNews, ProxyGuard } from "../host/owner/proxy_guard.ts";

export interface LocalProxyOptions {
  readonly end: SocketEnd;
  readonly device: string;
  readonly mark: number;
  readonly tunnelAddresses: readonly Address[];
  /** Users whose own programs are for the tunnel: root, and who called `sudo`. */
  readonly ownUsers: readonly number[];
  readonly record: RecordChange;
}

/** So often it is asked who listens; when its process ends, or a connection fails, at once. */
const LOOK_EVERY_MS = 10_000;
/** The next proxy must not have sent much by the time it is found: one that comes back does so soon. */
const LOOK_FOR_NEXT_MS = 10;
const SOON_MS = 3_000;
const LOOK_WHILE_GONE_MS = 100;

/** Who finds out whose the proxy is, and keeps it outside; a test makes its own. */
export interface LocalProxySystem {
  readonly exempting: Exempting;
  /** The inode of what listens at the proxy's end now; 0 for nobody. */
  lookUp(): number;
}

export class LocalProxy {
  readonly end: SocketEnd;
  readonly #diag: SockDiag;
  readonly #exempting: Exempting;
  readonly #guard: ProxyGuard;
  #goneSince: number | undefined;
  readonly #exits: ProcessExits;
  /** To be set: called when a process of the proxy has ended. */
  onExit?: () => void;

  constructor(
    options: LocalProxyOptions,
    diag = new SockDiag(),
    { exempting, lookUp } = thisSystem(options, diag),
  ) {
    this.end = options.end;
    this.#diag = diag;
    this.#exempting = exempting;
    this.#exits = new ProcessExits();
    void this.#listen();
    this.#guard = new ProxyGuard(exempting, { lookUp, intervalMs: LOOK_EVERY_MS });
  }

  get diag(): SockDiag {
    return this.#diag;
  }

  /** Who is exempted, and how; nothing is changed. */
  plan(): ExemptionPlan {
    return this.#exempting.plan();
  }

  /** Exempts whose the proxy is now. */
  start(now: number): GuardNews {
    return this.#noted(this.#guard.start(now), now);
  }

  /** What is new since the last time. */
  tick(now: number): GuardNews | undefined {
    // Between one proxy and the next: the next must not have sent much by the time it is found.
    if (this.#goneSince !== undefined) this.#guard.connectFailed(now);
    const news = this.#guard.tick(now);
    return news === undefined ? undefined : this.#noted(news, now);
  }

  /** When to call `tick` next. */
  nextLook(now: number): number {
    if (this.#goneSince === undefined) return this.#guard.nextLook;
    return now + (now - this.#goneSince < SOON_MS ? LOOK_FOR_NEXT_MS : LOOK_WHILE_GONE_MS);
  }

  connectFailed(now: number): void {
    this.#guard.connectFailed(now);
  }

  /** Whoever it is now, and its children. */
  processes(): readonly ProcessInfo[] {
    const plan = this.plan();
    return plan.kind === "planned" ? plan.owner.processes : [];
  }

  async close(): Promise<void> {
    await this.#exits.close();
    this.#diag.close();
  }

  #noted(news: GuardNews, now: number): GuardNews {
    if (news.kind === "exempted") {
      this.#goneSince = undefined;
      this.#exits.watch(news.plan.owner.holders.map(({ pid }) => pid));
    } else this.#goneSince ??= now;
    return news;
  }

  async #listen(): Promise<void> {
    while (!this.#exits.closed) {
      await this.#exits.next();
      if (!this.#exits.closed) this.onExit?.();
    }
  }
}

function thisSystem(options: LocalProxyOptions, diag: SockDiag): LocalProxySystem {
  const { end, device } = options;
  return {
    exempting: new ProxyExemption(diag, { ...options, newCgroup: `/ztun-${device}` }),
    lookUp: () => diag.listener(end)?.inode ?? 0,
  };
}

/** What became of the proxy's exemption, for the log and for `status`. */
export function describeNews(news: GuardNews, end: SocketEnd): string {
  const where = formatSocketAddress(end.address, end.port);
  switch (news.kind) {
    case "exempted":
      return describeExempted(news.plan, news.applied);
    case "not-exempted":
      return refusalOf(news.plan, end).message;
    case "gone":
      return `Nobody listens at ${where} any more`;
    case "failed":
      return `Cannot keep the proxy at ${where} out of the tunnel: ${news.error}`;
  }
}

function describeExempted({ exemption }: PlannedExemption, applied: AppliedExemption): string {
  const why = exemption.kind === "refused" ? "" : exemption.why;
  const left = applied.sockets.failures.length > 0 || !applied.sockets.complete
    ? "; some of its connections are still in the tunnel until they end"
    : "";
  return `The proxy's own traffic stays outside: ${why}${left}`;
}

/** Whether the tunnel may start without the proxy being exempted: it may come later. */
export function mayComeLater(plan: ExemptionPlan): boolean {
  return plan.kind === "nobody" || plan.kind === "waiting";
}

/** Why what the proxy sends would come back into the tunnel, and what helps. */
export function refusalOf(plan: ExemptionPlan, end: SocketEnd): UserError {
  const where = formatSocketAddress(end.address, end.port);
  if (plan.kind !== "planned") {
    const { message, hint } = explainAnswer(plan, where);
    return new UserError(message, { hint });
  }
  const { exemption } = plan;
  if (exemption.kind !== "refused") throw new TypeError("This proxy can be exempted");
  return new UserError(`Cannot keep the proxy at ${where} out of the tunnel: ${exemption.why}`, {
    hint: exemption.hint,
    exitCode: Exit.Failed,
  });
}

/** Whom the firewall has to know: who is exempted now. */
export function exemptedSenders(news: GuardNews): Senders {
  if (news.kind !== "exempted") return NOBODY;
  const { plan: { exemption }, applied: { cgroup } } = news;
  if (exemption.kind === "user") {
    return { users: [{ from: exemption.uid, to: exemption.uid }], cgroups: [] };
  }
  if (cgroup === undefined) return NOBODY;
  return { users: [], cgroups: [{ ...cgroup, path: cgroup.path.slice(1) }] };
}
