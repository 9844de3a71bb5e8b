import { assertEquals } from "@std/assert";
import { replyForError } from "../../../src/socks_server/reply_code.ts";
import { ClosedPort } from "../../support/closed_port.ts";

Deno.test("each failure of the system has its reply", () => {
  const failed = (code: string) => replyForError(Object.assign(new Error(code), { code }));
  assertEquals(failed("ECONNREFUSED"), 5);
  assertEquals(failed("ENETUNREACH"), 3);
  assertEquals(failed("EHOSTUNREACH"), 4);
  assertEquals(failed("ETIMEDOUT"), 6);
  assertEquals(failed("EACCES"), 2);
  assertEquals(failed("EAFNOSUPPORT"), 8);
  assertEquals(failed("EMFILE"), 1);
  assertEquals(replyForError("no error at all"), 1);
});

Deno.test("as Deno words them: a refused connection; a name that cannot be found", async () => {
  using closed = new ClosedPort("tcp");
  const refused = await Deno.connect({ hostname: "127.0.0.1", port: closed.port })
    .catch(replyForError);
  assertEquals(refused, 5);
  // A label of 64 letters is refused by the resolver itself: nothing is asked of the network.
  const unknown = await Deno.connect({ hostname: `${"x".repeat(64)}.invalid`, port: 1 })
    .catch(replyForError);
  assertEquals(unknown, 4);
});
