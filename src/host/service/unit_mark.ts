/**
 * The first line of a unit that ztun has written: it says so, and by a sum of all that follows whether
 * somebody has altered it since.
 */

const MARK = "# Written by `ztun service install`; `ztun service remove` takes it away. Sum: ";

export async function marked(text: string): Promise<string> {
  return `${MARK}${await sumOf(text)}\n${text}`;
}

/** Whose the unit is: ztun's, ztun's but altered, or somebody else's. */
export async function ownerOf(unit: string): Promise<"ztun" | "altered" | "other"> {
  if (!unit.startsWith(MARK)) return "other";
  const end = unit.indexOf("\n");
  return unit.slice(MARK.length, end) === await sumOf(unit.slice(end + 1)) ? "ztun" : "altered";
}

async function sumOf(text: string): Promise<string> {
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(sum).toHex();
}
