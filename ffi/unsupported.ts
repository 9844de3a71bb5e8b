/**
 * Systems that ztun has no code for yet: every facility says so, with what does work.
 */

import { UserError } from "../src/errors.ts";

/** The error for a facility that this system's part of `ffi/` does not have. */
export function unsupported(facility: string, system: string = Deno.build.os): UserError {
  return new UserError(`${facility} are unsupported on this system (${system})`, {
    hint: "Run ztun on Linux; `ztun socks`, `ztun check` and `ztun help` work here too",
  });
}
