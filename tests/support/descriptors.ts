/**
 * What is open, found by what the kernel says of it. Test files run in threads of one process, which
 * share its descriptors: how many there are, and which numbers they have, says nothing.
 */

/** The descriptors of this process whose `/proc/self/fdinfo` matches. */
export function descriptorsWith(info: RegExp): number[] {
  const listed = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
  return listed.filter((fd) => info.test(descriptorInfo(fd)));
}

/** What the kernel says of a descriptor; empty when it is not open (any more). */
export function descriptorInfo(fd: number): string {
  try {
    return Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
  } catch {
    return "";
  }
}
