/**
 * A network namespace for the length of one synchronous function.
 *
 * Namespaces belong to threads, so this thread alone goes there and comes back, on failure too; the
 * kernel removes the namespace, with every device in it, when nothing uses it any more. Commands that
 * the function starts with `outputSync` run in there as well.
 */

const CLONE_NEWNET = 0x4000_0000;
const O_RDONLY_CLOEXEC = 0o2000000;
const PATIENCE_MS = 10_000;
/** Nobody wakes it: a pause for a function that may not be asynchronous. */
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  unshare: { parameters: ["i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
});

export function inNetNamespace<T>(body: () => T): T {
  return awayFromHome(() => {
    if (libc.unshare(CLONE_NEWNET) < 0) throw new Error("Cannot make a network namespace");
    return body();
  });
}

/** One that stays until it is closed, for functions that enter it in turn. */
export class HeldNamespace {
  readonly #fd = inNetNamespace(openThisNamespace);

  enter<T>(body: () => T): T {
    return awayFromHome(() => {
      if (libc.setns(this.#fd, CLONE_NEWNET) < 0) throw new Error("Cannot enter the namespace");
      return body();
    });
  }

  close(): void {
    libc.close(this.#fd);
  }
}

/** Runs a function that changes this thread's namespace, and brings the thread back. */
function awayFromHome<T>(body: () => T): T {
  const home = openThisNamespace();
  try {
    return body();
  } finally {
    const result = libc.setns(home, CLONE_NEWNET);
    libc.close(home);
    // Going on in the wrong namespace would make every later test lie.
    if (result < 0) Deno.exit(70);
  }
}

function openThisNamespace(): number {
  const path = new Uint8Array(128);
  new TextEncoder().encodeInto("/proc/thread-self/ns/net", path);
  const fd = libc.open(path, O_RDONLY_CLOEXEC);
  if (fd < 0) throw new Error("Cannot open this thread's network namespace");
  return fd;
}

/** Runs a command where this thread is; gives what it printed. */
export function runHere(command: string, ...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Waits, without leaving this thread's namespace, until `ask` says yes. */
export function waitHere(what: string, ask: () => boolean): void {
  const deadline = performance.now() + PATIENCE_MS;
  while (!ask()) {
    if (performance.now() > deadline) throw new Error(`Not within ${PATIENCE_MS} ms: ${what}`);
    Atomics.wait(PAUSE, 0, 0, 10);
  }
}

/**
 * Waits until a device that was closed is no more, here: a program that another test starts just now has
 * a copy of its descriptor until it runs.
 */
export function waitUntilGone(device: string): void {
  waitHere(`no ${device}`, () => !runHere("ip", "-o", "link").includes(`${device}:`));
}
