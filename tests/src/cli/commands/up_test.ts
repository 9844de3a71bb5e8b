import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { setInherited } from "../../../../ffi/fd_passing_linux.ts";
import { libc } from "../../../../ffi/libc.ts";
import { openTun } from "../../../../ffi/tun_linux.ts";
import type { TunDevice } from "../../../../ffi/types.ts";
import { run } from "../../../../src/cli/run.ts";
import { readStatuses } from "../../../../src/control/client.ts";
import { Exit } from "../../../../src/errors.ts";
import { eventually } from "../../../support/eventually.ts";
import { connecting, FakeSocks5 } from "../../../support/fake_socks5.ts";
import { inNetNamespace } from "../../../support/net_namespace.ts";
import { rootTest } from "../../../support/root.ts";
import { ControlDirectory } from "../../control/fixtures.ts";
import { FakeEnvironment } from "../fake_environment.ts";

const TUNGETIFF = 0x800454d2;

async function up(args: readonly string[]) {
  const environment = new FakeEnvironment();
  const code = await run(["up", ...args], environment);
  return { code, out: environment.stdout, err: environment.stderr };
}

/** Of this file only: descriptors are shared with other tests, and their numbers used again. */
const NAME = "up-test0";

/** A device in a network namespace of its own, which lives as long as it. */
function foreignTun(): TunDevice {
  return inNetNamespace(() => openTun({ name: NAME, offload: "auto" }));
}

function isOpen({ fd }: TunDevice): boolean {
  const request = new Uint8Array(128);
  if (libc().ioctl(fd, TUNGETIFF, request) !== 0) return false;
  return new TextDecoder().decode(request.subarray(0, NAME.length)) === NAME;
}

/** `ztun up` on an adopted device, which captures nothing of the machine that the tests run on, running; and what the system would do with it. */
class RunningUp implements AsyncDisposable {
  readonly environment: FakeEnvironment;
  readonly device = foreignTun();
  readonly code: Promise<number>;
  readonly #directory = new ControlDirectory();
  readonly #proxy = new FakeSocks5(connecting((client) => client.echo()));

  constructor(...flags: string[]) {
    this.#proxy.start();
    this.environment = new FakeEnvironment({
      variables: { XDG_RUNTIME_DIR: this.#directory.path },
    });
    const proxy = `--socks=127.0.0.1:${this.#proxy.port}`;
    const own = [proxy, `--tun-fd=${this.device.fd}`, "--udp=off", "--no-routes"];
    this.code = run(["up", ...own, ...flags], this.environment);
  }

  get proxyPort(): number {
    return this.#proxy.port;
  }

  get sockets(): string {
    return `${this.#directory.path}/ztun`;
  }

  /** Until it serves: its device's name, as `status` tells it. */
  serving(): Promise<string> {
    return eventually("a tunnel", async () => (await readStatuses(this.sockets))[0]?.device.name);
  }

  raise(signal: Deno.Signal): void {
    for (const listener of this.environment.listeners.get(signal) ?? []) listener();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.raise("SIGTERM");
    await this.code;
    await this.#proxy.stop();
    await this.#directory[Symbol.asyncDispose]();
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  rootTest(`up serves the device it was given until ${signal}, and exits 0`, async () => {
    await using running = new RunningUp();
    assertEquals(await running.serving(), NAME);
    assert(isOpen(running.device));
    running.raise(signal);
    assertEquals(await running.code, Exit.Ok);
    const { stdout, stderr, listeners } = running.environment;
    assertEquals(stdout, "");
    const to = `127.0.0.1:${running.proxyPort}`;
    assertStringIncludes(stderr, `${NAME} is ready: what is routed to it goes through ${to}\n`);
    assertEquals([...listeners.values()].map((set) => set.size), [0, 0]);
    assertEquals([...Deno.readDirSync(running.sockets)], []);
    assert(!isOpen(running.device));
  });
}

rootTest("up -q says nothing when all is well", async () => {
  await using running = new RunningUp("-q");
  await running.serving();
  running.raise("SIGTERM");
  assertEquals(await running.code, Exit.Ok);
  assertEquals([running.environment.stdout, running.environment.stderr], ["", ""]);
});

rootTest("up that cannot start gives device and signals back", async () => {
  await using directory = new ControlDirectory();
  await Deno.mkdir(`${directory.path}/ztun`);
  await Deno.chmod(`${directory.path}/ztun`, 0o777);
  const device = foreignTun();
  const environment = new FakeEnvironment({ variables: { XDG_RUNTIME_DIR: directory.path } });
  const flags = ["--socks=127.0.0.1:9", `--tun-fd=${device.fd}`, "--udp=off", "--no-routes"];
  assertEquals(await run(["up", ...flags], environment), Exit.Failed);
  assertMatch(environment.stderr, /^error: Cannot use the control directory .*: others can get/);
  assertEquals([...environment.listeners.values()].map((set) => set.size), [0, 0]);
  assert(!isOpen(device));
});

Deno.test("up without a proxy is a usage error that says how to give one", async () => {
  const { code, out, err } = await up([]);
  assertEquals([code, out], [Exit.Usage, ""]);
  assertStringIncludes(err, "--socks");
});

Deno.test("up refuses what is no TUN device, and leaves it open", async () => {
  const pipe = libc().eventfd(0, 0);
  const { code, err } = await up(["--socks=127.0.0.1:9", `--tun-fd=${pipe}`, "--no-routes"]);
  assertEquals(code, Exit.Failed);
  assertStringIncludes(err, `Cannot use descriptor ${pipe}: it is not an open TUN device`);
  setInherited(pipe, false);
  libc().close(pipe);
});

Deno.test("up takes no arguments but flags", async () => {
  assertEquals((await up(["--socks=127.0.0.1:9", "ztun0"])).code, Exit.Usage);
  assertEquals((await up(["--socks=127.0.0.1:9", "--include", "everywhere"])).code, Exit.Usage);
  assertEquals((await up(["--socks=127.0.0.1:9", "--mtu", "10"])).code, Exit.Usage);
  assertEquals((await up(["--socks=127.0.0.1:9", "--workers=0"])).code, Exit.Usage);
  assertEquals((await up(["--socks=127.0.0.1:9", "--workers=65"])).code, Exit.Usage);
});

Deno.test("up serves an adopted descriptor with one worker only, and leaves it open", async () => {
  const pipe = libc().eventfd(0, 0);
  const { code, err } = await up(["--socks=127.0.0.1:9", `--tun-fd=${pipe}`, "--workers=2"]);
  assertEquals(code, Exit.Usage);
  assertStringIncludes(err, "Cannot serve an adopted device with 2 workers");
  assertStringIncludes(err, "hint: A descriptor is one queue");
  assertEquals(libc().close(pipe), 0);
});
