/** A proxy of this host whose owner, and whose exemption, are made up. */

import { LocalProxy, type LocalProxyOptions } from "../../src/capture/local_proxy.ts";
import type { Exemption } from "../../src/host/owner/exemption.ts";
import type { Owner } from "../../src/host/owner/find_owner.ts";
import { type ProcessInfo, readProcess } from "../../src/host/owner/process_table.ts";
import type { AppliedExemption, ExemptionPlan } from "../../src/host/owner/proxy_exemption.ts";

const MARKED = { sockets: { marked: 0, complete: true, failures: [] }, ended: 0 } as const;

export class FakeOwner {
  /** What listens at the proxy's end; 0 for nobody. */
  inode = 5;
  exemption: Exemption = { kind: "user", uid: 33, name: "proxy", why: "it has the user proxy" };
  /** Instead of all that. */
  answer: ExemptionPlan | undefined;
  applied: Partial<AppliedExemption> = {};
  /** How often somebody was exempted. */
  times = 0;
  /** Nobody can be exempted. */
  broken = false;
  looks = 0;

  open(options: LocalProxyOptions): LocalProxy {
    return new LocalProxy(options, undefined, {
      exempting: { plan: () => this.#plan(), apply: () => this.#apply() },
      lookUp: () => {
        this.looks++;
        return this.inode;
      },
    });
  }

  /** One that lives as long as the tests do. */
  get process(): ProcessInfo {
    return readProcess(Deno.pid)!;
  }

  #plan(): ExemptionPlan {
    if (this.answer !== undefined) return this.answer;
    if (this.inode === 0) return { kind: "nobody" };
    const listeners = [{ inode: this.inode }] as unknown as Owner["listeners"];
    const processes = [this.process];
    const owner = { listeners, holders: processes, processes };
    return { kind: "planned", owner, exemption: this.exemption };
  }

  #apply(): AppliedExemption {
    if (this.broken) throw new Error("no memory");
    this.times++;
    return { cgroup: undefined, bornMarked: true, ...MARKED, ...this.applied };
  }
}
