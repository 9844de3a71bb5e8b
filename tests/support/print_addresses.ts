/** Prints the addresses of the host that it is given. */

import { resolveHost } from "../../ffi/resolve_linux.ts";
import { formatAddress } from "../../src/addr/address.ts";

const addresses = await resolveHost(Deno.args[0]!);
await Deno.stdout.write(new TextEncoder().encode(addresses.map(formatAddress).join(" ")));
