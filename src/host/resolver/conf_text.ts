/** The text of a resolv.conf that points into the tunnel, and what a resolv.conf tells about itself. */

import type { FileBefore } from "../changes/file_change.ts";
import { composeResolvConf } from "../resolv_conf.ts";

export interface PointedConf {
  readonly device: string;
  readonly pid: number;
  /** Addresses within the tunnel. */
  readonly servers: readonly string[];
}

const MARK = "# Written by ztun, process";

/** Our text in place of `text`: its `search` and `options` stay. Who reads it finds the way back. */
export function pointedConf(
  before: FileBefore,
  text: string,
  { device, pid, servers }: PointedConf,
): string {
  const comment = [
    `${MARK} ${pid}: names are resolved in the tunnel as long as ${device} is up.`,
    "# `sudo ztun down` puts back what was here; after a crash, `sudo ztun cleanup`.",
    `# It was ${wasBefore(before, text)}.`,
  ];
  return `${comment.join("\n")}\n${composeResolvConf(text, servers)}`;
}

function wasBefore(before: FileBefore, text: string): string {
  if (before.type === "absent") return "not there";
  const file = before.type === "link" ? `a link to ${JSON.stringify(before.target)}` : "a file";
  const servers = nameservers(text);
  return `${file} with ${servers.length === 0 ? "no server" : servers.join(", ")}`;
}

/** The process that wrote the text, if it was ztun. */
export function holderOf(text: string): number | undefined {
  if (!text.startsWith(MARK)) return undefined;
  return Number(/^ ([0-9]+):/.exec(text.slice(MARK.length))?.[1]);
}

/** The servers of a resolv.conf, as they stand there. */
export function nameservers(text: string): string[] {
  return [...text.matchAll(/^nameserver[ \t]+([^\s#;]+)/gm)].map((match) => match[1]!);
}

/** Whether all names go to systemd-resolved's own address. */
export function isStub(text: string): boolean {
  const servers = nameservers(text);
  return servers.length > 0 && servers.every((server) => /^127\.0\.0\.5[34]$/.test(server));
}
