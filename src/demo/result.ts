/** What a check found, as it is shown and as it crosses from one process to the next. */

export interface CheckResult {
  readonly name: string;
  /** "skip": could not be looked at here, which is neither good nor bad. */
  readonly result: "ok" | "fail" | "skip";
  readonly seen: string;
  readonly milliseconds: number;
  /** Of a transfer. */
  readonly bitsPerSecond?: number;
}

export interface Check {
  readonly name: string;
  /** Milliseconds after which it has failed. */
  readonly patience?: number;
  /** What was seen. Throws when that is not what should have been. */
  run(): Promise<Seen>;
}

export type Seen = string | { readonly seen: string; readonly bitsPerSecond: number };

/** Thrown by a check that has nothing to look at on this machine. */
export class NotChecked extends Error {
  override readonly name = "NotChecked";
}

/** Every check ends well within this, or something is wrong. */
const PATIENCE = 5_000;

/** Runs a check to its end or to the end of the patience with it; never throws. */
export async function runCheck(check: Check): Promise<CheckResult> {
  const { name, patience = PATIENCE } = check;
  const started = performance.now();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`nothing within ${patience / 1000} s`)),
    patience,
  );
  const result = (result: CheckResult["result"], seen: Seen): CheckResult => ({
    name,
    result,
    ...(typeof seen === "string" ? { seen } : seen),
    milliseconds: Math.round((performance.now() - started) * 10) / 10,
  });
  try {
    return result("ok", await Promise.race([check.run(), late.promise]));
  } catch (error) {
    if (error instanceof NotChecked) return result("skip", `not checked: ${error.message}`);
    return result("fail", error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the check that is running unless `condition` holds. */
export function expect(condition: boolean, seen: string): asserts condition {
  if (!condition) throw new Error(seen);
}
