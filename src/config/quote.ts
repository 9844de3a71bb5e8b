/**
 * How a text that came from outside is shown in a message: without control characters, and without a
 * password that may stand in it.
 */

/**
 * Control characters, among them the escapes with which a text could rewrite the screen, come out as
 * `\u001b`; so do the marks that reverse the direction of what follows.
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what this looks for.
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escape);
}

function escape(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (character === "\r") return "\\r";
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Hides what could be `user:password@`: all before the last `@`, but for a scheme in front. Too much
 * rather than too little: a password may itself hold `@`, `/` and `:`.
 */
export function redact(text: string): string {
  const at = text.lastIndexOf("@");
  if (at < 0) return text;
  const scheme = /^[a-z][a-z0-9+.-]{0,15}:\/\//i.exec(text)?.[0] ?? "";
  return `${scheme.length <= at ? scheme : ""}***${text.slice(at)}`;
}

/** Hides the user and the password of every URL in a running text. */
export function redactUrls(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]{0,15}:\/\/)[^\s"']*@/gi, "$1***@");
}

/** A text from outside, in quotation marks, cut to a length that fits a message. */
export function quote(text: string): string {
  return quoteName(redact(text));
}

/** The same for what is no place for a password, and may well have an `@`: `user@1000.service`. */
export function quoteName(text: string): string {
  const shown = printable(text);
  return `"${shown.length > 80 ? `${shown.slice(0, 77)}...` : shown}"`;
}
