/**
 * A program of its own, because threads of one process share its descriptors: engines on threads of their
 * own, one after the other, each ending in another way. Prints after each how many descriptors and
 * threads there are.
 */

import { eventually } from "./eventually.ts";
import { connecting } from "./fake_socks5.ts";
import { withWorker, type WorkerTunnel } from "./worker_tunnel.ts";

const FAR = "203.0.113.7";
const ROUNDS = 4;

const echoing = connecting((client) => client.echo());

/** Ten flows in the middle of transfers. */
async function underLoad({ engine, host }: WorkerTunnel): Promise<void> {
  await engine.start();
  const flows = Array.from({ length: 10 }, () => host.connect(FAR, 80));
  for (const flow of flows) flow.sendPattern(1, 50_000_000);
  await Promise.all(flows.map((flow) => flow.arrived(10_000)));
}

async function closed(tunnel: WorkerTunnel): Promise<void> {
  await underLoad(tunnel);
  await tunnel.engine.close();
}

async function stopped(tunnel: WorkerTunnel): Promise<void> {
  await underLoad(tunnel);
  await tunnel.engine.stop(50);
}

async function failed(tunnel: WorkerTunnel): Promise<void> {
  await underLoad(tunnel);
  tunnel.device.fail();
  await tunnel.engine.failed;
}

/** More memory than there are addresses for. */
async function refused(): Promise<void> {
  await withWorker({
    script: echoing,
    made: false,
    set: ({ limits }) => limits.totalBytes = 2 ** 47,
  }, async ({ engine }) => void await engine.make().catch(() => {}));
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Those of Workers: the others come and go with what Deno has to do. */
function threads(): number {
  const names = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => nameOf(name));
  return names.filter((name) => name.startsWith("worker-")).length;
}

function nameOf(thread: string): string {
  try {
    return Deno.readTextFileSync(`/proc/self/task/${thread}/comm`);
  } catch {
    return "";
  }
}

/** Once nothing ends any more. */
async function left(): Promise<[descriptors: number, threads: number]> {
  let last = "";
  return await eventually("the numbers settle", () => {
    const now: [number, number] = [descriptors(), threads()];
    const settled = `${now}` === last ? now : undefined;
    last = `${now}`;
    return settled;
  });
}

const counts: [number, number][] = [];
for (let round = 0; round < ROUNDS; round++) {
  for (const body of [closed, stopped, failed]) await withWorker({ script: echoing }, body);
  await refused();
  counts.push(await left());
}
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(counts)));
