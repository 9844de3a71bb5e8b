/** Text that programs write into files of the repository. */

/** A document with new text between the markers `<!-- NAME:begin -->` and `<!-- NAME:end -->`. */
export function withSection(document: string, name: string, text: string): string {
  const [beginMarker, endMarker] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const begin = document.indexOf(beginMarker);
  const end = document.indexOf(endMarker);
  if (begin < 0 || end < begin) {
    throw new Error(`Cannot place the ${name}: there is no ${beginMarker} before ${endMarker}`);
  }
  const head = document.slice(0, begin + beginMarker.length);
  return `${head}\n\n${text}\n\n${document.slice(end)}`;
}

/** As `deno fmt` would leave it, so that the two never disagree. */
export async function formatted(text: string, extension: "json" | "md" | "svg"): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", `--ext=${extension}`, "--line-width=100", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`Cannot format the generated ${extension}`);
  return new TextDecoder().decode(stdout);
}
