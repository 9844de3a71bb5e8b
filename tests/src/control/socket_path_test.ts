import { assertEquals } from "@std/assert";
import { controlDirectory, listSockets, socketPath } from "../../../src/control/socket_path.ts";
import { ControlDirectory } from "./fixtures.ts";

function directoryOf(uid: number | null, variables: Record<string, string> = {}): string {
  return controlDirectory({ uid: () => uid, env: (name) => variables[name] });
}

Deno.test("root's sockets lie where the system's do, whatever the variables say", () => {
  assertEquals(directoryOf(0), "/run/ztun");
  assertEquals(directoryOf(0, { XDG_RUNTIME_DIR: "/run/user/1000" }), "/run/ztun");
});

Deno.test("a user's lie in the runtime directory, or in one of the user's own", () => {
  assertEquals(directoryOf(1000, { XDG_RUNTIME_DIR: "/run/user/1000" }), "/run/user/1000/ztun");
  assertEquals(directoryOf(1000), "/tmp/ztun-1000");
});

Deno.test("what is a socket by its name is listed by process, in order", async () => {
  await using directory = new ControlDirectory();
  for (const name of ["100.sock", "9.sock", "20.sock", "020.sock", "-1.sock", "9.socket", "sock"]) {
    await Deno.writeTextFile(`${directory.path}/${name}`, "");
  }
  assertEquals(await listSockets(directory.path), [9, 20, 100]);
  assertEquals(await listSockets(`${directory.path}/missing`), []);
  assertEquals(socketPath(directory.path, 9), `${directory.path}/9.sock`);
});
