/** One line on standard output: a word that the bench waits for, or a result as JSON. */

export function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

export function sayResult(result: Readonly<Record<string, number>>): void {
  say(JSON.stringify(result));
}
