/**
 * Checks the import law: who may import whom, no cycles, no I/O in the core. Prints `file:line: what`
 * for each violation and ends with status 1 if there was one.
 */

import { FFI_BASE, IMPURE, type Layer, LAYERS } from "./layer_rules.ts";
import {
  code,
  lineAt,
  print,
  readSources,
  report,
  type SourceFile,
  type Violation,
} from "./source_text.ts";

interface Import {
  specifier: string;
  /** Path from the root for a relative import. */
  target: string | undefined;
  line: number;
  typeOnly: boolean;
}

/** Every violation in the tree at `root`, in the order of its files. */
export function checkLayers(root: string): Violation[] {
  const files = readSources(root, ["main.ts", "src", "ffi"]);
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  const violations: Violation[] = [];
  for (const file of files) {
    const layer = layerOf(file.path);
    if (layer === undefined) {
      violations.push({ path: file.path, line: 1, message: "belongs to no layer of the design" });
      continue;
    }
    for (const found of imports.get(file.path)!) {
      const message = judge(layer, found);
      if (message !== undefined) violations.push({ path: file.path, line: found.line, message });
    }
    if (layer.pure) violations.push(...impurities(file));
  }
  return [...violations, ...cycles(imports)];
}

function layerOf(path: string): Layer | undefined {
  return LAYERS.find((layer) =>
    layer.prefixes.some((prefix) =>
      prefix.endsWith("/") ? path.startsWith(prefix) : path === prefix
    )
  );
}

const IMPORT =
  /\b(import|export)\s+(type\s+)?(?:[^"';()]*?\bfrom\s*)?(["'])([^"'\n]+)\3|\bimport\s*\(\s*(["'])([^"'\n]+)\5/g;

function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  for (const match of code(file.text, { strings: true }).matchAll(IMPORT)) {
    const specifier = match[4] ?? match[6]!;
    found.push({
      specifier,
      target: specifier.startsWith(".") ? resolve(file.path, specifier) : undefined,
      line: lineAt(file.text, match.index),
      typeOnly: match[2] !== undefined,
    });
  }
  return found;
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** Why the import is not allowed, or undefined when it is. */
function judge(layer: Layer, { specifier, target, typeOnly }: Import): string | undefined {
  if (target === undefined) {
    if (layer.packages?.includes(specifier)) return undefined;
    return `${layer.name} must not import the package "${specifier}"`;
  }
  const other = layerOf(target);
  if (other === undefined) {
    return `${layer.name} must not import "${target}": it is outside the tree`;
  }
  if (other === layer || layer.may.includes(other.name)) return undefined;
  if (layer.may.includes("ffi-base") && FFI_BASE.includes(target)) return undefined;
  if (layer.mayTypes?.includes(other.name)) {
    return typeOnly
      ? undefined
      : `${layer.name} may import only types from ${other.name} ("${target}")`;
  }
  return `${layer.name} must not import ${other.name} ("${target}")`;
}

function impurities(file: SourceFile): Violation[] {
  const text = code(file.text);
  return IMPURE.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => ({
      path: file.path,
      line: lineAt(text, match.index),
      message: `"${match[0]}" in a core folder: it must be passed in`,
    }))
  );
}

/**
 * One violation per import that closes a circle, found by depth-first search. Imports of types only do
 * not count: they are gone at run time, and functions over a class are split into files that name it.
 */
function cycles(imports: ReadonlyMap<string, Import[]>): Violation[] {
  const violations: Violation[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  function visit(path: string): void {
    if (done.has(path)) return;
    trail.push(path);
    for (const { target, line, typeOnly } of imports.get(path) ?? []) {
      if (target === undefined || typeOnly) continue;
      const at = trail.indexOf(target);
      if (at === -1) visit(target);
      else {violations.push({
          path,
          line,
          message: `cycle: ${[...trail.slice(at), target].join(" → ")}`,
        });}
    }
    trail.pop();
    done.add(path);
  }
  for (const path of imports.keys()) visit(path);
  return violations;
}

if (import.meta.main) {
  const clean = report(checkLayers(Deno.cwd()));
  if (clean) print("layers: the import law holds");
  Deno.exitCode = clean ? 0 : 1;
}
