/**
 * The system's resolver, pointed into the tunnel and kept there: whoever writes resolv.conf while the
 * tunnel runs (a DHCP client on a new network) is noticed, and what they wrote is what comes back at the
 * end.
 */

import type { HostLog } from "../step.ts";
import type { Transaction } from "../transaction.ts";
import { isStub, type PointedConf } from "./conf_text.ts";
import {
  livingHolder,
  readConf,
  readFacts,
  RESOLV_CONF,
  type ResolverFacts,
  type ResolverHost,
} from "./facts.ts";
import { planResolver, type ResolverPlan, upstreamServers } from "./plan.ts";
import { confChange, resolverChanges } from "./resolver_changes.ts";

export interface ResolverOptions {
  readonly host: ResolverHost;
  readonly transaction: Transaction;
  readonly device: string;
  /** Addresses within the tunnel, at most three: more no program reads. */
  readonly servers: readonly string[];
  readonly log: HostLog;
}

/** So often, and no oftener, it is pointed again: somebody may write it in a loop. */
const REPOINT_GAP_MS = 1_000;
/** Longer than any file system's clock stands still. */
const SETTLING_MS = 2_000;

export class HostResolver {
  readonly plan: ResolverPlan;
  /** What the host asked before; empty when that was only itself. */
  readonly upstreams: readonly string[];
  /** How often somebody else has written resolv.conf. */
  rewritten = 0;
  readonly #options: ResolverOptions;
  readonly #pointed: PointedConf;
  /** The number of the change of resolv.conf, when it is changed. */
  #change: number | undefined;
  /** What resolv.conf says when all is well; undefined when that is not ours to say. */
  #content: string | undefined;
  #signature: string | undefined;
  /** When that signature was first seen, and whether an equal one means an equal file. */
  #seenAt = 0;
  #settled = false;
  #notBefore = 0;

  private constructor(
    options: ResolverOptions,
    plan: ResolverPlan,
    upstreams: readonly string[],
    pointed: PointedConf,
  ) {
    this.#options = options;
    this.plan = plan;
    this.upstreams = upstreams;
    this.#pointed = pointed;
  }

  /** Finds out who manages the names of the host, and points them to the servers. */
  static async point(options: ResolverOptions): Promise<HostResolver> {
    const { host, transaction, device, servers, log } = options;
    const facts = await readFacts(host);
    const plan = planResolver(facts);
    log.debug(`Resolver: ${plan.reasons.join("; ")}`);
    const pointed = { device, pid: host.machine.pid, servers };
    const resolver = new HostResolver(options, plan, upstreamServers(facts), pointed);
    const changes = resolverChanges(plan, facts, pointed, host.root);
    const ids = await transaction.apply(changes);
    if (plan.conf === "file" || plan.conf === "network-manager") {
      resolver.#change = ids.at(-1);
      resolver.#content = confChange(facts.before, facts.text, pointed, host.root).content;
    }
    return resolver;
  }

  /**
   * To be called now and then: costs one `lstat` while nothing happens. True when resolv.conf had been
   * written by somebody else and was pointed into the tunnel again.
   */
  async look(now: number): Promise<boolean> {
    // openresolv keeps other servers out by itself.
    if (this.plan.conf === "resolvconf" || now < this.#notBefore) return false;
    const { host, log } = this.#options;
    const signature = host.disk.look(`${host.root}${RESOLV_CONF}`)?.signature ?? "";
    if (signature === this.#signature && this.#settled) return false;
    const conf = readConf(host);
    if (this.#isWell(conf.text)) {
      this.#settle(signature, now);
      return false;
    }
    this.#notBefore = now + REPOINT_GAP_MS;
    this.rewritten += 1;
    const say = this.rewritten === 1 ? log.warn : log.debug;
    say.call(log, `${RESOLV_CONF} was written by somebody else; it points into the tunnel again`);
    await this.#pointAgain(conf);
    return true;
  }

  /** Two writings in one tick of the file system's clock look alike: it is read again some time later. */
  #settle(signature: string, now: number): void {
    if (signature === this.#signature) {
      this.#settled = now - this.#seenAt >= SETTLING_MS;
      return;
    }
    this.#signature = signature;
    this.#seenAt = now;
    this.#settled = false;
  }

  #isWell(text: string): boolean {
    if (this.#content !== undefined && text === this.#content) return true;
    if (this.plan.resolved && isStub(text)) return true;
    return livingHolder(text, this.#options.host.machine) !== undefined;
  }

  async #pointAgain({ before, text }: Pick<ResolverFacts, "before" | "text">): Promise<void> {
    const { host, transaction } = this.#options;
    const change = confChange(before, text, this.#pointed, host.root);
    // What is there afterwards is read once more: somebody may be quicker than this.
    this.#signature = undefined;
    this.#content = change.content;
    if (this.#change === undefined) this.#change = (await transaction.apply([change]))[0];
    else this.#change = await transaction.replace(this.#change, change);
  }
}
