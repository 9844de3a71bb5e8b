/**
 * Reads a line of a unit file into words as systemd does (`man 5 systemd.service`, "Command lines"; `man 5
 * systemd.syntax`, "Quoting"), one character after the other. Throws at everything that it does not know.
 */

export function readWords(line: string): string[] {
  const words: string[] = [];
  const characters = [...line];
  for (let at = 0; at < characters.length;) {
    if (characters[at] === " ") {
      at++;
      continue;
    }
    const { word, next } = readWord(characters, at);
    words.push(word);
    at = next;
  }
  return words;
}

/** What is left for the program: specifiers and variables replaced. */
export function withoutSpecifiers(word: string): string {
  return word.replace(/%(.?)/gs, (_, next) => {
    if (next !== "%") throw new Error(`The specifier %${next} in ${word}`);
    return "%";
  });
}

export function withoutVariables(word: string): string {
  return word.replace(/\$(.?)/gs, (_, next) => {
    if (next !== "$") throw new Error(`The variable $${next} in ${word}`);
    return "$";
  });
}

function readWord(characters: readonly string[], from: number): { word: string; next: number } {
  if (characters[from] === ";" && [" ", undefined].includes(characters[from + 1])) {
    throw new Error("The end of a command");
  }
  let word = "";
  let quote: string | undefined;
  let at = from;
  for (; at < characters.length; at++) {
    const character = characters[at]!;
    if (quote === undefined && character === " ") break;
    if (character === quote) quote = undefined;
    else if (quote === undefined && (character === '"' || character === "'")) quote = character;
    else if (character === "\\") {
      const { text, length } = readEscape(characters, at + 1);
      word += text;
      at += length;
    } else if (/[\n\r\t\v\f]/.test(character)) throw new Error("A line or a word ends here");
    else word += character;
  }
  if (quote !== undefined) throw new Error(`No closing quote in ${characters.join("")}`);
  return { word, next: at };
}

function readEscape(characters: readonly string[], at: number): { text: string; length: number } {
  const character = characters[at];
  if (character === '"' || character === "\\") return { text: character, length: 1 };
  const code = parseInt(characters.slice(at + 1, at + 3).join(""), 16);
  if (character !== "x" || !(code > 0 && code < 0x80)) throw new Error(`The escape \\${character}`);
  return { text: String.fromCharCode(code), length: 3 };
}
