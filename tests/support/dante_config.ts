/** What dante is told: one place where it listens, and the addresses or links by which it sends. */

export interface DanteOptions {
  internal: string;
  external: readonly string[];
  method?: "none" | "username";
  /** Without: as whoever started it. */
  users?: "root and nobody";
}

export function danteConfig({ internal, external, method, users }: DanteOptions): string {
  return `logoutput: stderr
internal: ${internal} port = 1080
${external.map((each) => `external: ${each}\n`).join("")}socksmethod: ${method ?? "none"}
clientmethod: none
${users === undefined ? "" : "user.privileged: root\nuser.unprivileged: nobody\n"}\
client pass { from: 0/0 to: 0/0 }
socks pass { from: 0/0 to: 0/0 command: connect udpassociate }
socks pass { from: 0/0 to: 0/0 command: udpreply }
`;
}
