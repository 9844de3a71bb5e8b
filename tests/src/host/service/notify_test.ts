import { assertEquals } from "@std/assert";
import { type SendDatagram, ServiceNotifier } from "../../../../src/host/service/notify.ts";
import { uniqueName, UnixReceiver } from "../../../support/unix_receiver.ts";

function open(variables: Record<string, string>, send?: SendDatagram) {
  return ServiceNotifier.open({ env: (name) => variables[name], pid: () => 4711 }, send);
}

for (const kind of ["a path", "a name without a file"]) {
  Deno.test(`systemd hears of readiness, doings, life and the end, at ${kind}`, () => {
    const folder = Deno.makeTempDirSync();
    try {
      using systemd = new UnixReceiver(kind === "a path" ? `${folder}/notify` : uniqueName());
      const notifier = open({ NOTIFY_SOCKET: systemd.name })!;
      notifier.ready("ztun0 is ready");
      assertEquals(systemd.receive(), "READY=1\nSTATUS=ztun0 is ready");
      notifier.status("offline\nREADY=0");
      assertEquals(systemd.receive(), "STATUS=offline READY=0");
      notifier.watchdog();
      assertEquals(systemd.receive(), "WATCHDOG=1");
      notifier.stopping();
      assertEquals(systemd.receive(), "STOPPING=1");
      assertEquals(systemd.receive(), undefined);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

Deno.test("without a socket of systemd's there is nobody to tell", () => {
  assertEquals(open({}), undefined);
  assertEquals(open({ NOTIFY_SOCKET: "vsock:2:1" }), undefined);
  assertEquals(open({ NOTIFY_SOCKET: "@" }), undefined);
});

Deno.test("the watchdog is fed twice as often as systemd waits", () => {
  const period = (variables: Record<string, string>) =>
    open({ NOTIFY_SOCKET: "@x", ...variables })!.watchdogMs;
  assertEquals(period({ WATCHDOG_USEC: "30000000" }), 15_000);
  assertEquals(period({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "4711" }), 15_000);
  assertEquals(period({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "1" }), undefined);
  assertEquals(period({ WATCHDOG_USEC: "1" }), 1);
  for (const WATCHDOG_USEC of ["", "0", "-1", "never", "1e9"]) {
    assertEquals(period({ WATCHDOG_USEC }), undefined, WATCHDOG_USEC);
  }
});

Deno.test("what could not be said is said with the next message, in its last version", () => {
  const heard: string[] = [];
  let busy = true;
  const notifier = open({ NOTIFY_SOCKET: "@x" }, (name, datagram) => {
    if (busy) throw new Error("busy");
    heard.push(`${name} ${new TextDecoder().decode(datagram)}`);
  })!;
  notifier.ready("one");
  notifier.status("two");
  busy = false;
  notifier.watchdog();
  notifier.watchdog();
  assertEquals(heard, ["@x READY=1\nSTATUS=two\nWATCHDOG=1", "@x WATCHDOG=1"]);
});

Deno.test("a socket that is gone fails nobody", () => {
  open({ NOTIFY_SOCKET: "/nowhere/notify" })!.ready("ready");
});
