/** A world for the command line: texts instead of streams, maps instead of files and variables. */

import type { Environment, StreamName } from "../../../src/cli/environment.ts";

export interface FakeWorld {
  variables?: Record<string, string>;
  files?: Record<string, string>;
  terminals?: readonly StreamName[];
}

export class FakeEnvironment implements Environment {
  stdout = "";
  stderr = "";
  readonly listeners = new Map<Deno.Signal, Set<() => void>>();
  readonly #world: FakeWorld;

  constructor(world: FakeWorld = {}) {
    this.#world = world;
  }

  out = (text: string): void => {
    this.stdout += text;
  };

  err = (text: string): void => {
    this.stderr += text;
  };

  env(name: string): string | undefined {
    return this.#world.variables?.[name] || undefined;
  }

  isTerminal(stream: StreamName): boolean {
    return this.#world.terminals?.includes(stream) ?? false;
  }

  readTextFile(path: string): Promise<string> {
    const text = this.#world.files?.[path];
    if (text === undefined) return Promise.reject(new Deno.errors.NotFound("No such file"));
    return Promise.resolve(text);
  }

  addSignalListener(signal: Deno.Signal, listener: () => void): void {
    const listeners = this.listeners.get(signal) ?? new Set();
    this.listeners.set(signal, listeners.add(listener));
  }

  removeSignalListener(signal: Deno.Signal, listener: () => void): void {
    this.listeners.get(signal)?.delete(listener);
  }

  cwd(): string {
    return "/home/tester";
  }

  pid(): number {
    return 4711;
  }

  uid(): number {
    return 1000;
  }

  selfCommand(): string[] {
    return ["/usr/bin/ztun"];
  }

  randomBytes(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(length);
  }
}
