/** A command or a configuration file with names in braces, such as `{device}`, to be filled in. */

export type Values = Readonly<Record<string, string | number>>;

const PLACEHOLDER = /\{([a-z_]+)\}/g;

/** Throws when a name is none of `values`: a slip would go to the program as it stands. */
export function fill(template: string, values: Values): string {
  return template.replace(PLACEHOLDER, (whole, name: string) => {
    const value = values[name];
    if (value !== undefined) return String(value);
    throw new Error(`${whole} stands for nothing here; there are ${namesOf(values)}`);
  });
}

function namesOf(values: Values): string {
  return Object.keys(values).map((name) => `{${name}}`).join(", ");
}

/** The command as a shell would run it, in place of the shell. */
export function shellCommand(text: string): string[] {
  return ["sh", "-c", `exec ${text}`];
}
