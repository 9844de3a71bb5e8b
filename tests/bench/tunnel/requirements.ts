/** What the bench needs of the machine, and the command that helps where it is not there. */

import { missingPackages } from "../../../scripts/packages.ts";

const PACKAGES = [
  "iperf3",
  "iproute2",
  "netcat-openbsd",
  "nftables",
  "nginx-light",
  "proxychains4",
  "util-linux",
  "wrk",
];

export interface Obstacle {
  message: string;
  hint: string;
}

/** Why the bench cannot run here; nothing when it can. */
export function obstacle(
  os: string = Deno.build.os,
  uid: number | null = Deno.uid(),
  missing: readonly string[] = missingPackages(),
): Obstacle | undefined {
  if (os !== "linux") return { message: "it needs Linux", hint: "run it in a virtual machine" };
  if (uid !== 0) {
    const command = "sudo npx -y deno@2.9.6 task bench:tunnel";
    return { message: "it makes network namespaces, which needs root", hint: command };
  }
  const lacking = missing.filter((name) => PACKAGES.includes(name));
  if (lacking.length === 0) return undefined;
  const names = lacking.join(" ");
  return { message: `it needs ${names}`, hint: `apt-get install --no-install-recommends ${names}` };
}
