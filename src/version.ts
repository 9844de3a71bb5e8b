/** The version of ztun, as `deno.json` says it. */

import project from "../deno.json" with { type: "json" };

export const version: string = project.version;
