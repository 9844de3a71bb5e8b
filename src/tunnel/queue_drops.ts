/**
 * Packets that were lost before ztun could read them. What the device's queue has no room for the kernel
 * drops without telling the sender, and counts as not transmitted.
 */

/** Of this thread's network namespace; `/sys` may show another one. */
const DEVICES = "/proc/thread-self/net/dev";
/** Eight figures of what was received; then bytes, packets, errors, drops. */
const SENT_DROPS = 8 + 3;

/** How many since the device was made; 0 where that cannot be seen. */
export function queueDrops(device: string): number {
  return dropsIn(readDevices(), device);
}

/** As it stands in the text of that file. */
export function dropsIn(devices: string, device: string): number {
  for (const line of devices.split("\n")) {
    const [name, figures] = line.trim().split(":");
    if (name === device) return Number(figures?.trim().split(/\s+/)[SENT_DROPS] ?? 0);
  }
  return 0;
}

function readDevices(): string {
  try {
    return Deno.readTextFileSync(DEVICES);
  } catch {
    return "";
  }
}
