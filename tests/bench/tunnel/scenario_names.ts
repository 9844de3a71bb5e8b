/** The scenarios, in the order in which they run; the names are those of the field, so that figures line up. */

export const SCENARIO_NAMES = [
  "start",
  "idle",
  "tcp-up-1",
  "tcp-down-1",
  "tcp-up-10",
  "tcp-down-10",
  "tcp-bidir",
  "rr",
  "rr-50",
  "crr",
  "short-mix",
  "udp-64",
  "udp-1400",
  "udp-gso",
  "udp-64-down",
  "udp-1400-down",
  "flows-1000",
  "flows-10000",
] as const;

export type ScenarioName = typeof SCENARIO_NAMES[number];

export function isScenarioName(text: string): text is ScenarioName {
  return SCENARIO_NAMES.some((name) => name === text);
}
