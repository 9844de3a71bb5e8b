/** The life of `up` on a device that was made elsewhere. Nothing of the machine is captured. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { libc } from "../../../ffi/libc.ts";
import { openTun } from "../../../ffi/tun_linux.ts";
import { HostTunnel } from "../../../src/capture/host_tunnel.ts";
import { defaultSettings } from "../../../src/config/settings.ts";
import { askToConfirm, askToStop, readStatuses } from "../../../src/control/client.ts";
import { UserError } from "../../../src/errors.ts";
import { KeptLog } from "../../support/fake_host.ts";
import { eventually } from "../../support/eventually.ts";
import { connecting, FakeSocks5, type Script } from "../../support/fake_socks5.ts";
import { inNetNamespace } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";
import { ControlDirectory } from "../control/fixtures.ts";

/** Of this file only. */
const NAME = "life-test0";
const TUNGETIFF = 0x800454d2;

class Rig implements AsyncDisposable {
  readonly settings = defaultSettings();
  readonly device = inNetNamespace(() => openTun({ name: NAME, offload: "auto" }));
  readonly hurry = Promise.withResolvers<void>();
  readonly #directory = new ControlDirectory();
  readonly #proxy: FakeSocks5;
  #tunnel: Promise<HostTunnel> | undefined;

  constructor(script: Script = connecting((client) => client.echo())) {
    this.#proxy = new FakeSocks5(script);
    this.#proxy.start();
    const { settings } = this;
    settings.proxy = {
      host: "127.0.0.1",
      port: this.#proxy.port,
      user: undefined,
      password: undefined,
    };
    settings.udp = "off";
    settings.engine = "async";
    settings.tun.fd = this.device.fd;
    settings.capture.routes = false;
  }

  get sockets(): string {
    return `${this.#directory.path}/ztun`;
  }

  start(): Promise<HostTunnel> {
    const { settings } = this;
    return this.#tunnel = HostTunnel.start({
      selfCommand: ["false"],
      settings,
      proxy: settings.proxy!,
      environment: { uid: () => 1000, env: () => this.#directory.path },
      log: new KeptLog(),
      hurry: this.hurry.promise,
    });
  }

  /** Descriptors are shared with other tests, and their numbers used again. */
  get isOpen(): boolean {
    const request = new Uint8Array(128);
    if (libc().ioctl(this.device.fd, TUNGETIFF, request) !== 0) return false;
    return new TextDecoder().decode(request.subarray(0, NAME.length)) === NAME;
  }

  async state(): Promise<string | undefined> {
    return (await readStatuses(this.sockets))[0]?.state;
  }

  confirm(): Promise<boolean> {
    return askToConfirm(this.sockets, Deno.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tunnel?.then((tunnel) => tunnel.close(), () => {});
    await this.#proxy.stop();
    await this.#directory[Symbol.asyncDispose]();
  }
}

rootTest("host tunnel: it serves, is stopped, and gives its device back, once", async () => {
  await using rig = new Rig();
  const tunnel = await rig.start();
  assertEquals([tunnel.device, tunnel.state, await rig.state()], [NAME, "ready", "ready"]);
  await Promise.all([tunnel.stop(), tunnel.close()]);
  await tunnel.close();
  assertEquals([await rig.state(), rig.isOpen], [undefined, false]);
  assertEquals([...Deno.readDirSync(rig.sockets)], []);
});

rootTest("host tunnel: it can be confirmed, once", async () => {
  await using rig = new Rig();
  rig.settings.capture.confirm = 86_400_000;
  const tunnel = await rig.start();
  assertEquals(await rig.state(), "unconfirmed");
  await rig.confirm();
  assertEquals(tunnel.state, "ready");
  await assertRejects(() => rig.confirm(), UserError, "There is nothing to confirm");
});

rootTest("host tunnel: when nobody has confirmed it, it is too late", async () => {
  await using rig = new Rig();
  rig.settings.capture.confirm = 1;
  const tunnel = await rig.start();
  assertStringIncludes(await tunnel.unconfirmed, "Nobody has confirmed the tunnel in time");
  await assertRejects(() => rig.confirm(), UserError, "There is nothing to confirm");
  assertEquals(tunnel.state, "stopping");
});

rootTest("host tunnel: nobody confirms one that is asked to stop", async () => {
  await using rig = new Rig();
  rig.settings.capture.confirm = 86_400_000;
  const tunnel = await rig.start();
  await askToStop(rig.sockets, Deno.pid);
  await tunnel.stopAsked;
  await assertRejects(() => rig.confirm(), UserError, "There is nothing to confirm");
});

/** A proxy that says nothing, so that nobody knows what it can do. */
const silent: Script = async (client) => {
  while (await client.readSome() !== undefined);
};

for (const by of ["a signal", "the control socket"]) {
  rootTest(`host tunnel: ${by} ends the start, and it never was ready`, async () => {
    await using rig = new Rig(silent);
    rig.settings.udp = "auto";
    const starting = rig.start();
    assertEquals(await eventually("a tunnel", () => rig.state()), "starting");
    if (by === "a signal") rig.hurry.resolve();
    else await askToStop(rig.sockets, Deno.pid);
    const tunnel = await starting;
    assertEquals(tunnel.state, "stopping");
    await tunnel.stop();
  });
}

rootTest("host tunnel: one that cannot start gives its device back", async () => {
  await using rig = new Rig();
  Deno.mkdirSync(rig.sockets);
  Deno.chmodSync(rig.sockets, 0o777);
  await assertRejects(() => rig.start(), UserError, "Cannot use the control directory");
  assertEquals(rig.isOpen, false);
});
