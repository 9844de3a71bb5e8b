import { assertEquals, assertThrows } from "@std/assert";
import type { Source } from "../../../src/config/layer.ts";
import {
  type CaptureSettings,
  defaultSettings,
  type Settings,
} from "../../../src/config/settings.ts";
import { checkTogether } from "../../../src/config/together.ts";
import { Exit, UserError } from "../../../src/errors.ts";

function check(changes: Partial<Settings>, sources: Record<string, Source> = {}): void {
  checkTogether({ ...defaultSettings(), ...changes }, new Map(Object.entries(sources)));
}

/** All that is changed here was said by flags. */
function checkCapture(changes: Partial<CaptureSettings>): void {
  const sources = Object.keys(changes).map((name) => [`capture.${name}`, "flag"] as const);
  check({ capture: { ...defaultSettings().capture, ...changes } }, Object.fromEntries(sources));
}

function failure(run: () => void): UserError {
  const error = assertThrows(run, UserError);
  assertEquals(error.exitCode, Exit.Usage);
  return error;
}

function refused(changes: Partial<CaptureSettings>): string {
  return failure(() => checkCapture(changes)).message;
}

Deno.test("a part is not larger than the whole", () => {
  const limits = { ...defaultSettings().limits, flowBytes: 64 << 20, totalBytes: 8 << 20 };
  const { message } = failure(() => check({ limits }));
  assertEquals(message, '"limits.flowBytes" (64MiB) is more than "limits.totalBytes" (8MiB)');
});

Deno.test("an adopted device has a name and one queue, and may be captured into", () => {
  const tun = { ...defaultSettings().tun, fd: 3 };
  const named = failure(() => check({ tun: { ...tun, name: "t0" } }));
  assertEquals(named.message, 'Cannot name the adopted device "t0": it has a name');
  const many = failure(() => check({ tun, workers: 2 }));
  assertEquals(many.message, "Cannot serve an adopted device with 2 workers");
  check({ tun, capture: { ...defaultSettings().capture, include: ["10.0.0.0/8"], strict: true } });
});

Deno.test("what says which way packets go needs routes", () => {
  const lists = [
    ["include", "--include"],
    ["bypass", "--bypass"],
    ["onlyUsers", "--only-user"],
    ["exceptUsers", "--except-user"],
    ["onlyCgroups", "--only-cgroup"],
    ["exceptCgroups", "--except-cgroup"],
    ["exceptProcesses", "--except-process"],
    ["onlyInterfaces", "--only-interface"],
    ["exceptInterfaces", "--except-interface"],
  ] as const;
  for (const [name, flag] of lists) {
    const message = refused({ routes: false, [name]: ["x"] });
    assertEquals(message, `--no-routes and ${flag} exclude each other`);
  }
  const error = failure(() => checkCapture({ routes: false, strict: true }));
  assertEquals(error.message, "--no-routes and --strict exclude each other");
  assertEquals(error.hint, "Leave out --no-routes: ztun then makes the routes");
  checkCapture({ routes: false, strict: false, include: [], table: 7 });
});

Deno.test("the system's routing tables are not ours", () => {
  for (const table of [253, 254, 255]) {
    const { message, hint } = failure(() => checkCapture({ table }));
    assertEquals(message, `Invalid value for --table: ${table} is a table of the system's own`);
    assertEquals(hint, "Leave out --table: ztun takes a free one");
  }
  for (const table of [0, 1, 252, 256, 0xffff_ffff]) checkCapture({ table });
});

Deno.test("what stays outside does not leave by the tunnel", () => {
  const { tun, capture } = defaultSettings();
  const same = { tun: { ...tun, name: "t0" }, capture: { ...capture, interface: "t0" } };
  const sources = { "tun.name": "environment", "capture.interface": "flag" } as const;
  const { message, hint } = failure(() => check(same, sources));
  assertEquals(message, `Cannot leave by "t0": that is the tunnel's own device`);
  assertEquals(
    hint,
    "--interface is the way around the tunnel: give another name there, or to ZTUN_TUN",
  );
});

Deno.test("what is wanted and unwanted at once is refused", () => {
  assertEquals(
    refused({ include: ["10.0.0.0/8"], bypass: ["::/0", "10.0.0.0/8"] }),
    'The network "10.0.0.0/8" is to go into the tunnel (--include) and to stay outside ' +
      "(--bypass 10.0.0.0/8)",
  );
  assertEquals(
    refused({ onlyUsers: ["bob", "1500"], exceptUsers: ["1000-1999"] }),
    'The user "1500" is to go into the tunnel (--only-user) and to stay outside ' +
      "(--except-user 1000-1999)",
  );
  const pairs: Partial<CaptureSettings>[] = [
    { onlyUsers: ["bob@corp"], exceptUsers: ["bob@corp"] },
    { onlyUsers: ["1000-1100"], exceptUsers: ["1000-1100"] },
    { onlyCgroups: ["a/b"], exceptCgroups: ["a"] },
    { onlyCgroups: ["a/b"], exceptCgroups: ["a/b"] },
    { onlyInterfaces: ["docker0"], exceptInterfaces: ["docker*"] },
    { onlyInterfaces: ["docker*"], exceptInterfaces: ["docker*"] },
    { onlyInterfaces: ["br0"], exceptInterfaces: ["br0"] },
  ];
  for (const pair of pairs) refused(pair);
});

Deno.test("a part of what is wanted may be unwanted", () => {
  checkCapture({ include: ["10.0.0.0/8"], bypass: ["10.1.0.0/16"] });
  checkCapture({ include: ["10.1.0.0/16"], bypass: ["10.0.0.0/8"] });
  checkCapture({ onlyUsers: ["1000-1999"], exceptUsers: ["1500", "bob"] });
  checkCapture({ onlyCgroups: ["a"], exceptCgroups: ["a/b", "ab"] });
  checkCapture({ onlyCgroups: ["ab"], exceptCgroups: ["a"] });
  checkCapture({ onlyInterfaces: ["docker*"], exceptInterfaces: ["docker0"] });
});
