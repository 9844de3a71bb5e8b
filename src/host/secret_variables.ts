/**
 * Variables of ztun's environment that hold passwords, or may: they are for the engine, and the command
 * that runs in the tunnel, which anybody may have written, does not get to see them.
 */

export const hiddenVariables: readonly string[] = [
  "ZTUN_PROXY",
  "ZTUN_PASSWORD",
  "ZTUN_SOCKS_PASSWORD",
];

/** Changes to the environment that blank those which are set. */
export function blankedVariables(
  read: (name: string) => string | undefined,
): Record<string, string> {
  const set = hiddenVariables.filter((name) => read(name) !== undefined);
  return Object.fromEntries(set.map((name) => [name, ""]));
}
