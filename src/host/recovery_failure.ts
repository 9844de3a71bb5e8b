/** What could not be undone, as one error. */

import { UserError } from "../errors.ts";
import type { RecoverReport } from "./recover.ts";

/** Undefined when all went well; what somebody else has altered is none of it, and was logged. */
export function recoveryFailure({ recovered, unreadable }: RecoverReport): UserError | undefined {
  const errors = [...recovered.flatMap(({ failed }) => failed), ...unreadable];
  if (errors.length === 0) return undefined;
  const hint = errors.map((error) => error instanceof UserError ? error.hint : undefined)
    .find((hint) => hint !== undefined);
  return new UserError("Cannot undo all that tunnels have left on this host", {
    cause: new AggregateError(errors),
    ...(hint === undefined ? {} : { hint }),
  });
}
