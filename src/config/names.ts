/** Names that the kernel or the system gives: their shape. Whether there is such a thing, the host says. */

import { quote, quoteName } from "./quote.ts";
import { ValueError } from "./units.ts";

/** What the kernel takes as a name (`dev_valid_name`): 15 octets, no slash, colon or white space. */
export function parseDevice(text: string): string {
  if (isDeviceName(text)) return text;
  throw new ValueError(
    `${quote(text)} is no name for a device`,
    "up to 15 characters without spaces, slashes, colons and %: ztun0",
  );
}

/** An interface, or with `*` at the end all that begin so. */
export function parseInterface(text: string): string {
  if (isDeviceName(text.replace(/\*$/, ""))) return text;
  throw new ValueError(`${quote(text)} is no name of an interface`, "for example eth0 or docker*");
}

function isDeviceName(text: string): boolean {
  return /^[\x21-\x24\x26-\x2e\x30-\x39\x3b-\x7e]{1,15}$/.test(text) && text !== "." &&
    text !== "..";
}

/** The largest number of a user; the one behind it means "nobody in particular" to the kernel. */
const LAST_USER = 0xffff_fffe;

/** Which numbers a user is given as: `1000`, `1000-1999`; undefined for a name. */
export function parseUserNumbers(text: string): { from: number; to: number } | undefined {
  const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text);
  if (match === null) return undefined;
  return { from: Number(match[1]), to: Number(match[2] ?? match[1]) };
}

/** A user's name, which is not looked up here, a number, or a range of numbers. */
export function parseAccount(text: string): string {
  const numbers = parseUserNumbers(text);
  if (numbers !== undefined && numbers.from > numbers.to) {
    const meant = `${numbers.to}-${numbers.from}`;
    throw new ValueError(`${quoteName(text)} goes backwards`, `did you mean ${meant}?`);
  }
  if (numbers !== undefined ? numbers.to <= LAST_USER : isUserName(text)) return text;
  throw new ValueError(
    `${quoteName(text)} is no user`,
    "a name, a number or a range of numbers: alice, 1000 or 1000-1999",
  );
}

/** What can stand in front of the first colon of `/etc/passwd`, and is no slip in a number. */
function isUserName(text: string): boolean {
  return /^[^\s:,/\p{Cc}]{1,256}$/u.test(text) && !/^-|^[\d-]+$/.test(text);
}

/** A path below the root of cgroup v2, however it begins. */
export function parseCgroup(text: string): string {
  const names = text.split("/").filter((name) => name !== "");
  const isPath = names.length > 0 && !names.includes("..") && !names.includes(".");
  if (!isPath || hasControls(text)) {
    throw new ValueError(`${quoteName(text)} is no path of a control group`, CGROUP_HINT);
  }
  const path = names.join("/");
  if (!/^sys\/fs\/cgroup(\/|$)/.test(path)) return path;
  throw new ValueError(
    `${quoteName(text)} is where the control group is shown, not its path`,
    names.length > 3 ? `did you mean ${names.slice(3).join("/")}?` : CGROUP_HINT,
  );
}

const CGROUP_HINT = "for example system.slice/ssh.service";

/** The kernel keeps no more of a process's name (TASK_COMM_LEN). */
const PROCESS_NAME = 15;

/** A process's name as `ps -o comm` shows it. */
export function parseProcess(text: string): string {
  if (text === "" || hasControls(text)) {
    throw new ValueError(`${quote(text)} is no name of a process`, "as `ps -o comm` shows it: ssh");
  }
  const base = text.slice(text.lastIndexOf("/") + 1);
  if (text.startsWith("/") && base !== "") {
    throw new ValueError(`${quote(text)} is a path, not a name`, `did you mean ${base}?`);
  }
  const octets = new TextEncoder().encode(text);
  if (octets.length <= PROCESS_NAME) return text;
  const kept = new TextDecoder().decode(octets.subarray(0, PROCESS_NAME)).replace(/\ufffd$/, "");
  throw new ValueError(
    `${quote(text)} is longer than the ${PROCESS_NAME} characters that the system keeps`,
    `did you mean ${quote(kept)}?`,
  );
}

function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
