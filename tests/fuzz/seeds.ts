/**
 * Inputs that broke something once. A file `seeds/<target>.<what>.hex` holds one run: an input per line,
 * in hexadecimal, `#` for remarks.
 */

export interface Seed {
  readonly file: string;
  /** Name of the target. */
  readonly target: string;
  readonly inputs: readonly Uint8Array[];
}

const FOLDER = new URL("seeds/", import.meta.url);

export function readSeeds(): Seed[] {
  const names = [...Deno.readDirSync(FOLDER)].map((entry) => entry.name).sort();
  return names.map((file) => {
    const lines = Deno.readTextFileSync(new URL(file, FOLDER)).split("\n");
    const inputs = lines.filter((line) => /^[0-9a-f]+$/.test(line)).map((line) => {
      return Uint8Array.fromHex(line);
    });
    return { file, target: file.split(".")[0] ?? "", inputs };
  });
}
