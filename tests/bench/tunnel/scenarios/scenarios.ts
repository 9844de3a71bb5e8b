/** Every scenario by its name. */

import type { ScenarioName } from "../scenario_names.ts";
import { DATAGRAMS } from "./datagrams.ts";
import { HELD_FLOWS } from "./held_flows.ts";
import { QUIET } from "./quiet.ts";
import { REQUESTS } from "./requests.ts";
import type { Scenario } from "./scenario.ts";
import { STREAMS } from "./streams.ts";

const ALL = [...QUIET, ...STREAMS, ...REQUESTS, ...DATAGRAMS, ...HELD_FLOWS];

export function scenario(name: ScenarioName): Scenario {
  return ALL.find((candidate) => candidate.name === name)!;
}
