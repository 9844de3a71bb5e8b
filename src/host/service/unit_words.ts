/**
 * Texts as systemd reads them in a unit file (`man 5 systemd.service`, "Command lines"): quotes and
 * backslashes as in C, `%` for its own specifiers, and in commands `$` for variables.
 */

/** A command, each of its words as it is. The first is a path, in which systemd looks for no variables. */
export function commandLine([program, ...args]: readonly string[]): string {
  const words = args.map((word) => unitWord(word.replaceAll("$", "$$$$")));
  return [unitWord(program!), ...words].join(" ");
}

/** For `Environment=`, where a `$` is only a `$`. */
export function variable(name: string, value: string): string {
  return unitWord(`${name}=${value}`);
}

/** One word; quoted only where it must be, because people read it. */
function unitWord(text: string): string {
  const word = text.replaceAll("%", "%%");
  if (/^[^\s"'\\;\p{Cc}]+$/u.test(word)) return word;
  return `"${word.replace(/["\\\p{Cc}]/gu, escape)}"`;
}

function escape(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  // One escape stands for one byte, and of these characters those above 0x7f have two.
  if (character > "\x7f") return character;
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
