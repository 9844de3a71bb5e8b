/** Where connections to the proxy go, and who waits while there is no way there. */

import { PathChange, type ProxyPath } from "./proxy_path.ts";

/** Who wants to connect. */
export interface Waiting {
  /** The way is open again. */
  goOn(): void;
}

export class WayToProxy {
  #path: ProxyPath;
  readonly #waiting = new Set<Waiting>();

  /** `host` is where the proxy is, perhaps by its name, as long as no path says better. */
  constructor(host: string, path: ProxyPath | undefined) {
    this.#path = path ?? { addresses: [host], online: true, local: undefined };
  }

  /** To be tried in this order. Before the first path this may be a name. */
  get hosts(): readonly string[] {
    return this.#path.addresses;
  }

  get isOpen(): boolean {
    return this.#path.online;
  }

  /** Whoever waits goes on with `resume`, after others have done what the change asks of them. */
  follow(path: ProxyPath): PathChange {
    const change = new PathChange(this.#path, path);
    this.#path = path;
    return change;
  }

  resume(): void {
    if (!this.isOpen) return;
    for (const one of [...this.#waiting]) {
      if (this.forget(one)) one.goOn();
    }
  }

  wait(one: Waiting): void {
    this.#waiting.add(one);
  }

  /** True when it was waiting. */
  forget(one: Waiting): boolean {
    return this.#waiting.delete(one);
  }
}
