/**
 * Name resolution within the namespace: our resolv.conf in place of the host's, and no way round it.
 *
 * UNIX sockets do not care about network namespaces: a resolver daemon of the host that is asked over
 * one would resolve outside the tunnel. The directories of the known ones are covered with empty ones;
 * glibc then falls back to resolv.conf.
 */

import {
  bindMount,
  detachMount,
  makeMountsPrivate,
  mountTmpfs,
} from "../../ffi/namespace_linux.ts";
import { UserError } from "../errors.ts";

const RESOLV_CONF = "/etc/resolv.conf";

/** systemd-resolved (nss-resolve), nscd and nsncd, Avahi (nss-mdns). */
const DAEMON_DIRECTORIES = [
  "/run/systemd/resolve",
  "/run/nscd",
  "/var/run/nscd",
  "/run/avahi-daemon",
];

/** Any directory: it is covered for the moment in which the new file is made. */
const WORKSHOP = "/tmp";

/** Puts `text` where programs of this mount namespace look for resolv.conf. */
export function mountResolver(text: string): void {
  const target = realResolvConf();
  makeMountsPrivate();
  for (const directory of existingDirectories()) {
    mountTmpfs(directory);
    // resolv.conf is often a link to a file in there, which has just been covered.
    if (target.startsWith(`${directory}/`)) {
      Deno.mkdirSync(target.slice(0, target.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(target, "");
    }
  }
  // In memory, and uncovered again at once: nothing is written to the host's disk.
  mountTmpfs(WORKSHOP);
  Deno.writeTextFileSync(`${WORKSHOP}/resolv.conf`, text, { mode: 0o644 });
  bindMount(`${WORKSHOP}/resolv.conf`, target);
  detachMount(WORKSHOP);
}

/** Where the links of /etc/resolv.conf end: a mount must go there to be seen by every path. */
function realResolvConf(): string {
  try {
    return Deno.realPathSync(RESOLV_CONF);
  } catch (cause) {
    const missing = linkTarget();
    throw new UserError(`Cannot find ${missing}, to put another in its place`, {
      cause,
      hint: `\`sudo install -D -m 644 /dev/null ${missing}\``,
    });
  }
}

/** What a dangling /etc/resolv.conf points to, or itself when there is nothing at all. */
function linkTarget(): string {
  try {
    return new URL(Deno.readLinkSync(RESOLV_CONF), `file://${RESOLV_CONF}`).pathname;
  } catch {
    return RESOLV_CONF;
  }
}

/** Those that are there, each once: /var/run is mostly a link to /run. */
function existingDirectories(): Set<string> {
  const found = new Set<string>();
  for (const directory of DAEMON_DIRECTORIES) {
    try {
      found.add(Deno.realPathSync(directory));
    } catch {
      // No such daemon here.
    }
  }
  return found;
}
