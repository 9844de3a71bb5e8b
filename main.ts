/** ztun: makes a host's packets leave through a proxy. The only place that ends the process. */

import { realEnvironment } from "./src/cli/environment.ts";
import { run } from "./src/cli/run.ts";

Deno.exit(await run(Deno.args, realEnvironment()));
