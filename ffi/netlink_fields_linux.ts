/**
 * What a route or a rule is told by, when the kernel is asked to delete it.
 *
 * The kernel takes the first that has what the request says, whatever else that one has. So whoever wants
 * to delete one and no other looks first which one that would be.
 */

/** The parts that are said, as text; what is left out is what the kernel has by default. */
export type Fields = ReadonlyMap<string, string>;

/** Leaves out what is undefined, false or zero: to the kernel that is not said. */
export function fieldsOf(parts: Readonly<Record<string, unknown>>): Fields {
  const said = Object.entries(parts).filter(([, value]) => value !== undefined && value !== false);
  return new Map(said.filter(([, value]) => value !== 0).map(([key, value]) => [key, `${value}`]));
}

export function sameFields(a: Fields, b: Fields): boolean {
  return a.size === b.size && fits(a, b, []);
}

/** Whether the kernel would take `other` when it is asked to delete `wanted`. */
export function fits(wanted: Fields, other: Fields, ignored: readonly string[]): boolean {
  return [...wanted].every(([key, value]) => ignored.includes(key) || other.get(key) === value);
}

/** What would become of a request to delete. */
export type DeleteVerdict = "right" | "absent" | "another";

/** Which one of `listed`, in their order, the kernel would take for `wanted`. */
export function judgeDelete(
  wanted: Fields,
  listed: readonly Fields[],
  ignored: readonly string[],
): DeleteVerdict {
  if (!listed.some((each) => sameFields(wanted, each))) return "absent";
  const taken = listed.find((each) => fits(wanted, each, ignored))!;
  return sameFields(wanted, taken) ? "right" : "another";
}
