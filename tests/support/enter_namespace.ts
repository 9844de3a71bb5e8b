/** This thread in a named network namespace, for the length of one synchronous function. */

const CLONE_NEWNET = 0x4000_0000;
const O_RDONLY_CLOEXEC = 0o2000000;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
});

export function inNamespace<T>(name: string, body: () => T): T {
  const home = open("/proc/thread-self/ns/net");
  const there = open(`/run/netns/${name}`);
  try {
    if (libc.setns(there, CLONE_NEWNET) < 0) throw new Error(`Cannot enter ${name}`);
    return body();
  } finally {
    const result = libc.setns(home, CLONE_NEWNET);
    [home, there].forEach((fd) => libc.close(fd));
    // Going on in the wrong namespace would make every later test lie.
    if (result < 0) Deno.exit(70);
  }
}

function open(path: string): number {
  const text = new Uint8Array(128);
  new TextEncoder().encodeInto(path, text);
  const fd = libc.open(text, O_RDONLY_CLOEXEC);
  if (fd < 0) throw new Error(`Cannot open ${path}`);
  return fd;
}
