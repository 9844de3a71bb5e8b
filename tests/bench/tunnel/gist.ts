/** What a program that failed had to say, in one line. */

/** What Deno puts in front of an error that ended a program. */
const UNCAUGHT = /\berror: Uncaught (\(in promise\) )?Error: /;

/** The line that speaks of an error, or else the last one. */
export function gist(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const chosen = lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? "";
  return chosen.replace(UNCAUGHT, "");
}
