/** The user and password that clients must give, compared in a time that does not tell how far they agree. */

export interface Socks5ServerCredentials {
  readonly user: string;
  readonly password: string;
}

const encoder = new TextEncoder();

export class CredentialCheck {
  readonly #user: Uint8Array;
  readonly #password: Uint8Array;

  constructor(credentials: Socks5ServerCredentials) {
    this.#user = encoder.encode(credentials.user);
    this.#password = encoder.encode(credentials.password);
  }

  /** Both are compared whatever the first says. */
  accepts(user: Uint8Array, password: Uint8Array): boolean {
    const difference = differing(user, this.#user) | differing(password, this.#password);
    return difference === 0;
  }
}

/** Zero when they are the same; the time depends on the length of what was given alone. */
function differing(given: Uint8Array, expected: Uint8Array): number {
  let difference = given.length ^ expected.length;
  for (let i = 0; i < given.length; i++) {
    difference |= (given[i] ?? 0) ^ (expected[i % expected.length] ?? 0);
  }
  return difference;
}
