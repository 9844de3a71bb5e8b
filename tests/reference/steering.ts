/** Which of a device's queues a packet belongs to: what `ffi/tun_steering_linux.ts` has the kernel work out. */

const SPREAD = 0x9e37_79b1n;
const WORD = 1n << 32n;

function mix(hash: bigint, next: bigint): bigint {
  return (hash * SPREAD + next) % WORD;
}

/** The queue of what this address sends from this port; without a port, of the rest that it sends. */
export function queueOf(source: Uint8Array, port: number | undefined, queues: number): number {
  const view = new DataView(source.buffer, source.byteOffset, source.length);
  let hash = 0n;
  for (let at = 0; at < source.length; at += 4) hash = mix(hash, BigInt(view.getUint32(at)));
  if (port !== undefined) hash = mix(hash, BigInt(port));
  return Number(hash * SPREAD % WORD * BigInt(queues) / WORD);
}
