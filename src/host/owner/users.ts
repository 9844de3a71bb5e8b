/** The accounts of this host, as far as it matters whether one is a person's. */

import { readOrUndefined } from "./process_table.ts";

export interface User {
  readonly name: string;
  /** An account that nobody logs in with. */
  readonly service: boolean;
}

/** Numbers below belong to the system (SYS_UID_MAX of `/etc/login.defs`). */
const FIRST_PERSON = 1000;
/** What systemd gives to services with `DynamicUser=`, which have no account. */
const DYNAMIC = [61_184, 65_519] as const;
/** Many services that have nothing to do with one another share "nobody". */
const NOBODY = 65_534;

export function readUsers(): (uid: number) => User {
  const accounts = parseAccounts(readOrUndefined("/etc/passwd") ?? "");
  return (uid) => ({
    name: accounts.get(uid)?.name ?? String(uid),
    service: isService(uid, accounts.get(uid)?.shell),
  });
}

interface Account {
  readonly name: string;
  readonly shell: string;
}

/** By number; the first account of a number names it. */
export function parseAccounts(passwd: string): Map<number, Account> {
  const accounts = new Map<number, Account>();
  for (const line of passwd.split("\n")) {
    const [name, , uid, , , , shell] = line.split(":");
    if (name === undefined || shell === undefined || accounts.has(Number(uid))) continue;
    accounts.set(Number(uid), { name, shell });
  }
  return accounts;
}

/** The number of the account with that name. */
export function userNumber(passwd: string, wanted: string): number | undefined {
  for (const line of passwd.split("\n")) {
    const [name, , uid] = line.split(":");
    if (name === wanted && uid !== undefined) return Number(uid);
  }
  return undefined;
}

export function isService(uid: number, shell: string | undefined): boolean {
  if (uid === 0 || uid === NOBODY) return false;
  if (uid < FIRST_PERSON) return true;
  if (shell === undefined) return uid >= DYNAMIC[0] && uid <= DYNAMIC[1];
  return /\/(nologin|false)$/.test(shell);
}
