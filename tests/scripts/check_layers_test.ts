import { assertEquals } from "@std/assert";
import { checkLayers } from "../../scripts/check_layers.ts";
import { withTree } from "../support/tree.ts";

/** The violations of a made-up tree as `path:line message`. */
function check(files: Record<string, string>): string[] {
  return withTree(files, checkLayers).map(({ path, line, message }) =>
    `${path}:${line} ${message}`
  );
}

Deno.test("layers: a tree that follows the law has no violation", () => {
  assertEquals(
    check({
      "main.ts": 'import { run } from "./src/cli/run.ts";\nrun();\n',
      "src/cli/run.ts": 'import { up } from "./commands/up.ts";\nexport const run = up;\n',
      "src/cli/commands/up.ts":
        'import { start } from "../../engine/engine.ts";\nexport const up = start;\n',
      "src/engine/engine.ts":
        'import "../../ffi/libc.ts";\nimport { Tcp } from "../stack/tcp/tcp.ts";\nexport const start = Tcp;\n',
      "src/stack/tcp/tcp.ts":
        'import { readU16 } from "../../bytes.ts";\nexport const Tcp = readU16;\n',
      "src/router/rules.ts":
        'import type { Settings } from "../config/settings.ts";\nexport type R = Settings;\n',
      "src/config/settings.ts": "export interface Settings {}\n",
      "src/bytes.ts": "export const readU16 = 1;\n",
      "ffi/libc.ts": 'import { UserError } from "../src/errors.ts";\nexport const e = UserError;\n',
      "src/errors.ts": "export const UserError = 1;\n",
    }),
    [],
  );
});

Deno.test("layers: folders of the core do not import one another", () => {
  assertEquals(
    check({
      "src/stack/a.ts":
        '// first\nimport {\n  b,\n} from "../outbound/b.ts";\nexport const a = b;\n',
      "src/outbound/b.ts": "export const b = 1;\n",
      "src/dns/c.ts": 'export * from "../router/d.ts";\n',
      "src/router/d.ts": "export const d = 1;\n",
    }),
    [
      'src/dns/c.ts:1 dns must not import router ("src/router/d.ts")',
      'src/stack/a.ts:2 stack must not import outbound ("src/outbound/b.ts")',
    ],
  );
});

Deno.test("layers: the router sees types of the configuration, never its code", () => {
  assertEquals(
    check({
      "src/router/a.ts": 'import { load } from "../config/load.ts";\nexport const a = load;\n',
      "src/config/load.ts": "export const load = 1;\n",
    }),
    ['src/router/a.ts:1 router may import only types from config ("src/config/load.ts")'],
  );
});

Deno.test("layers: the unsafe edge is seen by few, and sees little", () => {
  assertEquals(
    check({
      "src/link/memory_link.ts": 'import "../../ffi/libc.ts";\n',
      "src/link/tun_link.ts": 'import "../../ffi/libc.ts";\n',
      "src/cli/status.ts": 'const x = await import("../../ffi/libc.ts");\nexport { x };\n',
      "ffi/libc.ts": 'import "../src/arena.ts";\n',
      "src/arena.ts": "export const now = 1;\n",
    }),
    [
      'ffi/libc.ts:1 ffi must not import base ("src/arena.ts")',
      'src/cli/status.ts:1 cli must not import ffi ("ffi/libc.ts")',
      'src/link/memory_link.ts:1 link must not import ffi ("ffi/libc.ts")',
    ],
  );
});

Deno.test("layers: packages are named per layer, and tests are not product code", () => {
  assertEquals(
    check({
      "src/wire/a.ts": 'import { concat } from "@std/bytes";\nexport { concat };\n',
      "src/cli/run.ts": 'import { parseArgs } from "@std/cli/parse-args";\nexport { parseArgs };\n',
      "src/link/b.ts": 'import "../../tests/support/x.ts";\n',
      "src/host/c.ts": 'import "node:net";\n',
    }),
    [
      'src/host/c.ts:1 host must not import the package "node:net"',
      'src/link/b.ts:1 link must not import "tests/support/x.ts": it is outside the tree',
      'src/wire/a.ts:1 wire must not import the package "@std/bytes"',
    ],
  );
});

Deno.test("layers: the core takes no I/O, time or chance of its own; words in comments are free", () => {
  const text = [
    "// Deno.connect and Date.now stand outside",
    'const said = "await Promise";',
    "const t = `${Date.now()} performance`;",
    "export const x = Math.random() + setTimeout(() => Deno.pid);",
    "export { said, t };",
  ].join("\n");
  assertEquals(check({ "src/stack/a.ts": text, "src/engine/b.ts": text }), [
    'src/stack/a.ts:4 "Deno." in a core folder: it must be passed in',
    'src/stack/a.ts:4 "setTimeout" in a core folder: it must be passed in',
    'src/stack/a.ts:3 "Date" in a core folder: it must be passed in',
    'src/stack/a.ts:4 "Math.random" in a core folder: it must be passed in',
  ]);
});

Deno.test("layers: a circle is found wherever it closes; types alone make none", () => {
  assertEquals(
    check({
      "src/wire/a.ts": 'import { b } from "./b.ts";\nexport const a = b;\n',
      "src/wire/b.ts":
        'export const b = 1;\nimport { c } from "./c.ts";\nexport type C = typeof c;\n',
      "src/wire/c.ts": 'import { a } from "./a.ts";\nexport const c = a;\n',
    }),
    ["src/wire/c.ts:1 cycle: src/wire/a.ts → src/wire/b.ts → src/wire/c.ts → src/wire/a.ts"],
  );
  assertEquals(
    check({
      "src/wire/a.ts": 'import { b } from "./b.ts";\nexport const a = b;\n',
      "src/wire/b.ts":
        'import type { a } from "./a.ts";\nexport const b = 1;\nexport type A = typeof a;\n',
    }),
    [],
  );
});

Deno.test("layers: a file outside every layer is a violation", () => {
  assertEquals(check({ "src/misc/a.ts": "" }), [
    "src/misc/a.ts:1 belongs to no layer of the design",
  ]);
});
