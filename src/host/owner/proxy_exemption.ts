/**
 * Keeps a proxy of this host out of the tunnel: finds whose it is, decides how to tell what it sends, and
 * brings that about. Once more does what is new: for the next process after a restart.
 */

import type { SockDiag, SocketEnd } from "../../../ffi/sock_diag_linux.ts";
import type { Address } from "../../addr/address.ts";
import {
  bringOutside,
  type MarkedProcesses,
  markOutside,
  type OutsideOptions,
} from "./bring_outside.ts";
import { makeCgroup } from "./cgroup_move.ts";
import { type Cgroup2, cgroup2Of, type CgroupMatch, cgroupMatch } from "./cgroup_mount.ts";
import type { RecordChange } from "./changes.ts";
import { type Exemption, planExemption } from "./exemption.ts";
import { findOwner, type Owner, type OwnerAnswer, proxyProcesses } from "./find_owner.ts";
import { type ProcessInfo, readProcesses } from "./process_table.ts";
import { readUsers } from "./users.ts";

export interface ProxyExemptionOptions {
  /** Where the proxy listens: an address of this host. */
  readonly end: SocketEnd;
  /** What goes by the old way carries it (SO_MARK). */
  readonly mark: number;
  /** Path for a cgroup of ours: `/ztun-…`, the same for as long as the tunnel lives. */
  readonly newCgroup: string;
  /** Users whose own programs must not be exempted. */
  readonly ownUsers: readonly number[];
  /** The tunnel's own: a connection that has one for its source began in the tunnel. */
  readonly tunnelAddresses: readonly Address[];
  readonly record: RecordChange;
}

/** A plan for the one who owns the proxy now; nothing has been changed. */
export interface PlannedExemption {
  readonly kind: "planned";
  readonly owner: Owner;
  readonly exemption: Exemption;
}

export type ExemptionPlan = PlannedExemption | Exclude<OwnerAnswer, { kind: "owner" }>;

export interface AppliedExemption extends MarkedProcesses {
  /** What to match in a firewall; undefined for a user. */
  readonly cgroup: CgroupMatch | undefined;
  /**
   * Whether sockets are born with the mark. Else a rule must give it to packets of the cgroup; of a user,
   * a routing rule by user (`ip rule … uidrange`) does without any mark.
   */
  readonly bornMarked: boolean;
}

export class ProxyExemption {
  readonly #diag: SockDiag;
  readonly #options: ProxyExemptionOptions;
  readonly #cgroup2: Cgroup2 | undefined;

  constructor(diag: SockDiag, options: ProxyExemptionOptions) {
    this.#diag = diag;
    this.#options = options;
    this.#cgroup2 = cgroup2Of(Deno.readTextFileSync("/proc/self/mounts"));
  }

  plan(): ExemptionPlan {
    const { end, newCgroup, ownUsers } = this.#options;
    const answer = findOwner(this.#diag, end);
    if (answer.kind !== "owner") return answer;
    const { owner, all: processes } = answer;
    const host = { processes, cgroup2: this.#cgroup2, user: readUsers(), ownUsers, newCgroup };
    return { kind: "planned", owner, exemption: planExemption(owner, host) };
  }

  /** Does what a plan says, which is not a refusal. */
  apply({ owner, exemption }: PlannedExemption): AppliedExemption {
    switch (exemption.kind) {
      case "refused":
        throw new TypeError("A refusal cannot be applied");
      case "user":
        return {
          cgroup: undefined,
          bornMarked: false,
          ...markOutside(() => this.#now(owner), this.#outside),
        };
      case "cgroup":
        return this.#exemptCgroup(owner, exemption.path);
      case "new-cgroup":
        makeCgroup(
          { mount: this.#mount, path: exemption.path, home: exemption.moves[0]!.from },
          this.#options.record,
        );
        return this.#exemptCgroup(owner, exemption.path);
    }
  }

  get #outside(): OutsideOptions {
    return { ...this.#options, diag: this.#diag };
  }

  get #mount(): string {
    return this.#cgroup2!.mount;
  }

  #exemptCgroup(owner: Owner, path: string): AppliedExemption {
    const cgroup = cgroupMatch(this.#cgroup2!, path);
    const mount = this.#mount;
    return { cgroup, ...bringOutside({ mount, path }, () => this.#now(owner), this.#outside) };
  }

  /** The proxy's processes as they are by now. */
  #now({ holders }: Owner): ProcessInfo[] {
    const all = readProcesses();
    const alive = all.filter(({ pid, startTime }) =>
      holders.some((each) => each.pid === pid && each.startTime === startTime)
    );
    return proxyProcesses(all, alive, Deno.pid);
  }
}
