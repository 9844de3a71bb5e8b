/**
 * One end-to-end case: its name, the server it runs against, and the lab around it. Every case is a test
 * of its own and a row of the table that `ZTUN_E2E_TABLE` names a file for.
 */

import { HostLab } from "./host_lab.ts";
import { Lab } from "./lab.ts";
import { routeDirectly, Tunnel, type UpOptions } from "./paths.ts";
import type { Proxy } from "./proxies.ts";
import type { Stage } from "./stage.ts";

const table = Deno.env.get("ZTUN_E2E_TABLE");
/** The lab proves itself: the same cases with routes in place of the tunnel. */
const direct = Deno.env.get("ZTUN_E2E_DIRECT") === "1";
const runnable = Deno.build.os === "linux" && Deno.uid() === 0;

export interface Case<S extends Stage = Lab> {
  lab: S;
  /** Adds to the result that the table shows, such as a speed. */
  note(text: string): void;
}

/** Registers a case. Without root it is shown as ignored: it makes network namespaces. */
export function e2e(name: string, server: string, body: (it: Case) => Promise<void>): void {
  register(name, server, () => runCase(() => Lab.create(), name, server, body));
}

/** The same with a whole host and its surroundings. */
export function hostE2e(
  name: string,
  server: string,
  body: (it: Case<HostLab>) => Promise<void>,
): void {
  register(name, server, () => runCase(() => HostLab.create(), name, server, body));
}

function register(name: string, server: string, fn: () => Promise<void>): void {
  Deno.test({ name: `e2e: ${name} [${server}]`, ignore: !runnable, fn });
}

async function runCase<S extends Stage>(
  create: () => Promise<S>,
  name: string,
  server: string,
  body: (it: Case<S>) => Promise<void>,
): Promise<void> {
  const notes: string[] = [];
  const started = performance.now();
  let result = "failed";
  const lab = await create();
  try {
    await body({ lab, note: (text) => notes.push(text) });
    result = "ok";
  } catch (error) {
    print(`\n${lab.logs()}\n`);
    throw error;
  } finally {
    await lab[Symbol.asyncDispose]();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    addRow([name, server, [result, ...notes].join(", "), `${seconds} s`]);
    if (notes.length > 0) print(`    ${notes.join(", ")}\n`);
  }
}

export interface TunnelCase extends Case {
  tunnel: Tunnel | undefined;
  proxy: Proxy;
}

/** A case with its proxy and tunnel up; afterwards nothing may be left in the tunnel, and it must end. */
export function e2eThrough(
  name: string,
  proxy: Proxy,
  body: (it: TunnelCase) => Promise<void>,
  options: UpOptions & { server?: string } = {},
): void {
  e2e(name, options.server ?? proxy.name, async (it) => {
    if (direct) {
      await routeDirectly(it.lab);
      return await body({ ...it, proxy, tunnel: undefined });
    }
    await proxy.start(it.lab);
    const tunnel = await Tunnel.up(it.lab, proxy, options);
    await body({ ...it, proxy, tunnel });
    await tunnel.assertNothingLeft();
    await tunnel.down();
  });
}

function addRow(cells: readonly string[]): void {
  if (table === undefined) return;
  const fresh = !exists(table);
  const head = "| case | server | result | time |\n|---|---|---|---|\n";
  const row = `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  Deno.writeTextFileSync(table, (fresh ? head : "") + row, { append: true });
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
