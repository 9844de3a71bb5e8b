import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Errno, SysError } from "../../../ffi/libc.ts";
import { Exit, UserError } from "../../../src/errors.ts";
import { tunError, type TunPlace } from "../../../src/host/tun_error.ts";

const cases: [number, TunPlace, number, string][] = [
  [Errno.ENOENT, "host", Exit.Failed, "sudo modprobe tun"],
  [Errno.ENODEV, "namespace", Exit.Failed, "sudo modprobe tun"],
  [Errno.EACCES, "namespace", Exit.Permission, "`sudo chmod 0666 /dev/net/tun`"],
  [Errno.EACCES, "host", Exit.Permission, "as root"],
  [Errno.EPERM, "host", Exit.Permission, "as root"],
  [Errno.EBUSY, "host", Exit.Failed, "--tun NAME"],
  [Errno.EINVAL, "host", Exit.Failed, "15 bytes"],
  [Errno.EIO, "host", Exit.Failed, "ls -l /dev/net/tun"],
];

for (const [code, place, exitCode, hint] of cases) {
  Deno.test(`a TUN that fails with ${code} on the ${place} has a hint of its own`, () => {
    const cause = new SysError("TUNSETIFF", code);
    const error = tunError(cause, "tun7", place);
    if (!(error instanceof UserError)) throw new Error("Not a UserError");
    assertEquals(error.message, 'Cannot open TUN device "tun7"');
    assertEquals(error.exitCode, exitCode);
    assertStrictEquals(error.cause, cause);
    assert(error.hint?.includes(hint), error.hint);
  });
}

Deno.test("other errors stay what they are", () => {
  const error = new TypeError("misuse");
  assertStrictEquals(tunError(error, "", "host"), error);
});
