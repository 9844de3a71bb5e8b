/** A small made-up source tree on disk, for the checkers' tests. */

/** Writes the files below a fresh folder, runs `use` on it, and removes it. */
export function withTree<T>(files: Record<string, string>, use: (root: string) => T): T {
  const root = Deno.makeTempDirSync({ prefix: "ztun-tree-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      Deno.mkdirSync(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${root}/${path}`, text);
    }
    return use(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}
