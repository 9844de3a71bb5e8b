/** Why a proxy on this host was not found as a process that could be exempted, for its user. */

import { nameProcesses } from "./exemption.ts";
import type { OwnerAnswer } from "./find_owner.ts";

export interface Explanation {
  readonly message: string;
  /** A sentence with a command that helps. */
  readonly hint: string;
}

/** `end` is where the proxy was said to be, as text. */
export function explainAnswer(
  answer: Exclude<OwnerAnswer, { kind: "owner" }>,
  end: string,
): Explanation {
  switch (answer.kind) {
    case "nobody":
      return {
        message: `Nobody listens at ${end}`,
        hint: "Start the proxy first. If it is in a container, name " +
          "the container's address: `--bypass ADDRESS`",
      };
    case "waiting":
      return {
        message:
          `${nameProcesses([answer.manager])} listens at ${end} for a service that does not ` +
          "run yet",
        hint: "Start it first: `systemctl list-sockets` shows which one it is",
      };
    case "container":
      return {
        message: `${nameProcesses([answer.relay])} hands what comes to ${end} to a container` +
          (answer.address === undefined ? "" : ` at ${answer.address}`) +
          ", and what that sends is forwarded",
        hint: "Leave out what the container sends: " +
          "`--bypass ADDRESS` with the server that the proxy in it sends to",
      };
    case "elsewhere":
      return {
        message:
          `${nameProcesses(answer.holders)} listens at ${end}, but lives in another network ` +
          "namespace",
        hint: "Name the server that it sends to: `--bypass ADDRESS`",
      };
    case "hidden":
      return {
        message: `No process that can be seen from here listens at ${end}, user ${answer.uid} does`,
        hint:
          "Run ztun as root and outside of containers, or name the server that the proxy sends " +
          "to: `--bypass ADDRESS`",
      };
  }
}
