/** How `ztun demo` runs: loaded when it does. */

import { settingTable } from "../../config/definition.ts";
import { readStatuses } from "../../control/client.ts";
import { controlDirectory } from "../../control/socket_path.ts";
import { ChildEnded } from "../../demo/child.ts";
import { Demo } from "../../demo/demo.ts";
import { ProgressLine } from "../../demo/progress.ts";
import { failures, json, speeds, table } from "../../demo/report.ts";
import type { CheckResult } from "../../demo/result.ts";
import { Exit, UserError } from "../../errors.ts";
import type { CommandInput } from "../command.ts";
import { stopSignals } from "../stop_signals.ts";
import { wantsColor } from "../terminal.ts";

export async function run(input: CommandInput): Promise<number> {
  const { environment } = input;
  const line = progressLine(input);
  const demo = new Demo({
    selfCommand: environment.selfCommand(),
    execFlags: execFlags(input),
    env: withoutSettings(),
    verbose: input.verbose,
    figures: async (pid) => {
      const [status] = await readStatuses(controlDirectory(environment), pid);
      return status === undefined ? undefined : { ...status, gauges: { ...status.gauges } };
    },
    warn: (text) => {
      line?.clear();
      environment.err(text);
    },
    progress: (doing) => line?.show(doing),
  });
  const signals = stopSignals(environment);
  signals.first.then(() => demo.abort());
  try {
    const results = await demo.run();
    line?.clear();
    return report(results, input);
  } catch (error) {
    line?.clear();
    if (demo.aborted) return Exit.Interrupted;
    if (!(error instanceof ChildEnded)) throw error;
    // The part has said what is wrong, and what helps, in the same form as this process would.
    environment.err(error.said);
    if (/^.*error:/m.test(error.said)) return error.code;
    throw new UserError(error.message, { hint: VERBOSE });
  } finally {
    signals.release();
  }
}

const VERBOSE = "`ztun demo --verbose` shows what the tunnel and the proxy say";

function report(results: readonly CheckResult[], { environment, flags, terminal }: CommandInput) {
  if (flags.json === true) environment.out(json(results));
  else environment.out(`${table(results, terminal.out)}\n${speeds(results)}`);
  const failed = failures(results);
  if (failed.length === 0) return Exit.Ok;
  const names = failed.map(({ name }) => name).join("; ");
  throw new UserError(`${failed.length} of ${results.length} checks failed: ${names}`, {
    hint: VERBOSE,
  });
}

function progressLine({ environment, quiet, verbose }: CommandInput): ProgressLine | undefined {
  const wanted = environment.isTerminal("stderr") && environment.env("CI") === undefined;
  return wanted && !quiet && !verbose ? new ProgressLine(environment.err) : undefined;
}

function execFlags({ environment, settings, verbose }: CommandInput): string[] {
  const color = wantsColor(environment, "stderr", settings.color) ? "always" : "never";
  return [`--log-level=${verbose ? settings.log.level : "warning"}`, `--color=${color}`];
}

/** The demo shows the defaults: settings of this user's own do not reach its parts. An empty one is none. */
function withoutSettings(): Record<string, string> {
  const names = ["ZTUN_CONFIG", ...settingTable.map(({ env }) => env)];
  return Object.fromEntries(names.map((name) => [name, ""]));
}
