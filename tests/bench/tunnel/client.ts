/** One variant's side of the network: a namespace of its own, from which the load comes. */

import { Namespace } from "../../support/stage.ts";
import { DESTINATIONS, PROXY, PROXY_PORT } from "./addresses.ts";
import type { BenchLab } from "./bench_lab.ts";
import { program } from "./programs.ts";
import { Tunnel } from "./tunnel.ts";
import type { Variant } from "./variants.ts";

export class Client {
  readonly variant: Variant;
  readonly namespace: Namespace;
  /** None where there is nothing between the clients and the network. */
  readonly tunnel: Tunnel | undefined;
  readonly #chain: string;

  constructor(lab: BenchLab, variant: Variant, index: number) {
    const { kind } = variant;
    this.variant = variant;
    this.namespace = new Namespace(`${lab.prefix}-${index}`);
    this.#chain = `${lab.directory}/proxychains.conf`;
    this.tunnel = kind === "ztun" || kind === "peer"
      ? new Tunnel(lab, this.namespace, variant)
      : undefined;
  }

  /** Makes the namespace, and joins it to the server's. */
  async build(server: Namespace, index: number): Promise<void> {
    const [here, there] = [`10.99.${index}.1`, `10.99.${index}.2`];
    await this.namespace.ip(
      "link set lo up",
      `link add uplink type veth peer name client${index} netns ${server.name}`,
      `addr add ${here}/24 dev uplink`,
      "link set uplink up",
    );
    await server.ip(`addr add ${there}/24 dev client${index}`, `link set client${index} up`);
    await this.namespace.ip(`route add ${PROXY} via ${there}`);
    if (this.variant.kind === "direct") {
      await this.namespace.ip(`route add ${DESTINATIONS} via ${there}`);
    }
    if (this.variant.kind === "proxy") await this.#writeChain();
  }

  /** A command of others, which knows no proxy. */
  command(...words: string[]): string[] {
    const wrapped = this.variant.kind === "proxy"
      ? ["proxychains4", "-q", "-f", this.#chain, ...words]
      : words;
    return this.namespace.within(wrapped);
  }

  /** A program of the bench, which asks the proxy by itself. */
  program(name: string, ...args: string[]): string[] {
    const socks = this.variant.kind === "proxy" ? ["--socks", `${PROXY}:${PROXY_PORT}`] : [];
    return this.namespace.within(program(name, ...args, ...socks));
  }

  async #writeChain(): Promise<void> {
    const text = `strict_chain\n[ProxyList]\nsocks5 ${PROXY} ${PROXY_PORT}\n`;
    await Deno.writeTextFile(this.#chain, text);
  }
}
