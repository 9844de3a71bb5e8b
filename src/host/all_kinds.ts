/** Every kind of change that ztun makes on a host: what `up` makes, and any journal may say. */

import type { ChangeKind, ChangeKinds } from "./change.ts";
import { exemptionKinds } from "./changes/exemption_change.ts";
import { basicKinds } from "./changes/kinds.ts";
import { routeKind } from "./changes/route_change.ts";
import { routesKind } from "./changes/routes_change.ts";
import { ruleKind } from "./changes/rule_change.ts";
import { runCommand } from "./changes/run_command.ts";
import { tableKind, type TablePlans } from "./changes/table_change.ts";
import { realDisk } from "./disk.ts";
import { withRoutes } from "./with_routes.ts";

/** `tables` is what goes into those of the firewall; whoever only undoes needs none. */
export function hostKinds(tables: TablePlans = new Map()): ChangeKinds {
  return {
    ...basicKinds({ disk: realDisk, run: runCommand }),
    ...exemptionKinds(),
    route: routeKind(withRoutes) as ChangeKind,
    routes: routesKind(withRoutes) as ChangeKind,
    rule: ruleKind(withRoutes) as ChangeKind,
    table: tableKind(tables) as ChangeKind,
  };
}
