/**
 * The network of the bench. One namespace has the proxy and the destinations; each variant has a
 * namespace of its own, joined to the first by a veth pair, so that the tunnels stay up side by side
 * and none is measured on another's path.
 *
 *     client 1 ── veth ──┐
 *     client 2 ── veth ──┤ server: the proxy on PROXY, destinations on WEB, both on the loopback device
 *     …                  ┘
 */

import { eventually } from "../../support/eventually.ts";
import { must, run, Running, type StartOptions } from "../../support/process.ts";
import { killAllIn, Namespace, roomyDirectory, sweep } from "../../support/stage.ts";
import { nofile, ztun } from "../../support/ztun.ts";
import { PROXY, PROXY_PORT, WEB } from "./addresses.ts";
import { Client } from "./client.ts";
import type { Program } from "./options.ts";
import { fill, shellCommand, type Values } from "./template.ts";
import type { Variant } from "./variants.ts";

/** Many short connections one after the other: ports must not run out while old ones wait. */
const SETTINGS: Readonly<Record<string, string | number>> = {
  "net.ipv4.ip_local_port_range": "1024 65535",
  "net.ipv4.tcp_tw_reuse": 1,
};

export interface LabOptions {
  server: Program | undefined;
  keep: boolean;
}

export class BenchLab implements AsyncDisposable {
  readonly prefix = `ztun-${Deno.pid}-bench`;
  readonly directory: string;
  readonly server: Namespace;
  readonly clients: readonly Client[];
  readonly #options: LabOptions;
  readonly #running: Running[] = [];
  #closed = false;

  private constructor(variants: readonly Variant[], options: LabOptions) {
    this.#options = options;
    this.directory = Deno.makeTempDirSync({ dir: roomyDirectory(), prefix: `${this.prefix}-` });
    this.server = new Namespace(`${this.prefix}-server`);
    this.clients = variants.map((variant, at) => new Client(this, variant, at + 1));
  }

  static async create(variants: readonly Variant[], options: LabOptions): Promise<BenchLab> {
    await sweep();
    return new BenchLab(variants, options);
  }

  /** A failure on the way leaves what was made to the disposal. */
  async build(): Promise<void> {
    // nginx drops its privileges: it must still reach its files.
    await Deno.chmod(this.directory, 0o755);
    for (const { name } of this.#namespaces()) await must(["ip", "netns", "add", name]);
    for (const namespace of this.#namespaces()) {
      for (const [name, value] of Object.entries(SETTINGS)) await namespace.sysctl(name, value);
    }
    await this.server.ip(
      "link set lo up",
      ...[PROXY, WEB].map((address) => `addr add ${address}/32 dev lo`),
    );
    for (const [at, client] of this.clients.entries()) await client.build(this.server, at + 1);
  }

  #namespaces(): Namespace[] {
    return [this.server, ...this.clients.map(({ namespace }) => namespace)];
  }

  /** What a template may say of the proxy. */
  get proxyValues(): Values {
    return { proxy_host: PROXY, proxy_port: PROXY_PORT };
  }

  /** The command of a program, filled in; its configuration is written beside it. */
  fillProgram(
    name: string,
    command: string,
    configTemplate: string | undefined,
    values: Values,
  ): string {
    if (configTemplate === undefined) return fill(command, values);
    const config = `${this.directory}/${name}.conf`;
    Deno.writeTextFileSync(config, fill(Deno.readTextFileSync(configTemplate), values));
    return fill(command, { ...values, config });
  }

  /** Starts a program, in a namespace by its command, that ends with the lab. */
  start(name: string, command: readonly string[], options?: StartOptions): Running {
    this.assertOpen();
    const running = new Running(name, command, options);
    this.#running.push(running);
    return running;
  }

  /**
   * Runs a program to its end, and gives what it printed; throws what it complained of when it failed.
   */
  async output(command: readonly string[], withinSeconds: number): Promise<string> {
    this.assertOpen();
    const { code, signal, stdout, stderr } = await run(command, { withinSeconds });
    if (code === 0) return stdout;
    throw new Error(`ended with ${signal ?? code}\n${stderr}${stdout}`);
  }

  /** What was under way when the lab went must start nothing more. */
  assertOpen(): void {
    if (this.#closed) throw new Error("the bench is over");
  }

  /** Starts a server, and waits until it takes connections. */
  async serve(
    name: string,
    command: readonly string[],
    host: string,
    port: number,
  ): Promise<Running> {
    const running = this.start(name, this.server.within(command));
    await eventually(`${name} to listen on ${host} port ${port}`, async () => {
      if (!running.alive) throw new Error(`${name} ended early: ${running.log}`);
      return await this.server.connects(host, port) ? true : undefined;
    });
    return running;
  }

  /** A SOCKS5 server at this port. */
  startProxy(port = PROXY_PORT): Promise<Running> {
    const values = { ...this.proxyValues, proxy_port: port };
    const { server } = this.#options;
    if (server === undefined) {
      return this.serve(
        "proxy",
        nofile(ztun("socks", "--listen", `${PROXY}:${port}`)),
        PROXY,
        port,
      );
    }
    const { name, command, configTemplate } = server;
    const filled = this.fillProgram(`${name}-${port}`, command, configTemplate, values);
    return this.serve(name, nofile(shellCommand(filled)), PROXY, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running.map((running) => running.kill()));
    for (const { name } of this.#namespaces()) {
      await killAllIn(name);
      await run(["ip", "netns", "del", name]);
    }
    if (this.#options.keep) this.#writeLogs();
    else await Deno.remove(this.directory, { recursive: true });
  }

  #writeLogs(): void {
    for (const { name, pid, log } of this.#running) {
      Deno.writeTextFileSync(`${this.directory}/${name}-${pid}.log`, log);
    }
  }
}
