/** What the figures were measured on. */

export interface Machine {
  cpus: number;
  cpu: string;
  kernel: string;
  deno: string;
}

export function machine(): Machine {
  const model = Deno.readTextFileSync("/proc/cpuinfo").match(/^model name\s*:\s*(.*)$/m);
  return {
    cpus: navigator.hardwareConcurrency,
    cpu: model?.[1] ?? "unknown",
    kernel: Deno.osRelease(),
    deno: Deno.version.deno,
  };
}
