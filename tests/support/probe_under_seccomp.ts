/** Prints what the probe says where the system calls from FIRST to LAST fail with CODE. */

import { probeUring } from "../../ffi/uring_probe_linux.ts";
import { forbidSystemCalls } from "./seccomp.ts";

const [first, last, code] = Deno.args.map(Number);
forbidSystemCalls(first!, last!, code!);
await Deno.stdout.write(new TextEncoder().encode(String(probeUring())));
