import { assertEquals, assertThrows } from "@std/assert";
import { Errno, SysError } from "../../../ffi/libc.ts";
import type { LinkAddress, PolicyRule, Route, RouteSocket } from "../../../ffi/types.ts";
import { formatPrefix, parsePrefix } from "../../../src/addr/prefix.ts";
import { Exit, UserError } from "../../../src/errors.ts";
import {
  addressStep,
  applySteps,
  mtuStep,
  queueStep,
  quietStep,
  routeStep,
  upStep,
} from "../../../src/host/step.ts";

/** Writes down what it is asked to do; fails with `failure` where one is given. */
class RecordingSocket implements RouteSocket {
  readonly calls: string[] = [];
  readonly #failure: number | undefined;

  constructor(failure?: number) {
    this.#failure = failure;
  }

  #record(call: string): void {
    this.calls.push(call);
    if (this.#failure !== undefined) throw new SysError("RTM_TEST", this.#failure);
  }

  findLink = () => undefined;
  setUp = (link: number, up: boolean) => this.#record(`up ${link} ${up}`);
  setMtu = (link: number, mtu: number) => this.#record(`mtu ${link} ${mtu}`);
  setTxQueueLength = (link: number, packets: number) => this.#record(`queue ${link} ${packets}`);
  addAddress = ({ link, prefix }: LinkAddress) =>
    this.#record(`address ${link} ${formatPrefix(prefix)}`);
  addRoute = ({ link, destination }: Route) =>
    this.#record(`route ${link} ${formatPrefix(destination)}`);
  deleteRoute = ({ link, destination }: Route) =>
    this.#record(`unroute ${link} ${formatPrefix(destination)}`);
  addresses = () => [];
  routes = () => [];
  defaultRoutes = () => [];
  links = () => [];
  rules = () => [];
  lookup = () => undefined;
  hasRoute = () => false;
  missingRoutes = () => [];
  flushRoutes = (table: number) => this.#record(`flush ${table}`);
  hasRule = () => false;
  deleteLink = (link: number) => this.#record(`unlink ${link}`);
  addRule = ({ priority }: PolicyRule) => this.#record(`rule ${priority}`);
  deleteRule = ({ priority }: PolicyRule) => this.#record(`unrule ${priority}`);
  close(): void {}
}

const silent = { debug() {}, warn() {} };

Deno.test("steps are done in order, and shown as the commands that do the same", () => {
  const socket = new RecordingSocket();
  const shown: string[] = [];
  const steps = [
    mtuStep("tun7", 1400),
    queueStep("tun7", 900),
    addressStep("tun7", parsePrefix("192.0.2.1/24")!),
    addressStep("tun7", parsePrefix("2001:db8::1/64")!),
    upStep("tun7"),
    routeStep("tun7", parsePrefix("203.0.113.0/24")!),
  ];
  const commands = applySteps(steps, socket, 7, { ...silent, debug: (line) => shown.push(line) });
  assertEquals(commands, [
    "ip link set dev tun7 mtu 1400",
    "ip link set dev tun7 txqueuelen 900",
    "ip address add 192.0.2.1/24 dev tun7",
    "ip address add 2001:db8::1/64 dev tun7 nodad",
    "ip link set dev tun7 up",
    "ip route add 203.0.113.0/24 dev tun7 proto static",
  ]);
  assertEquals(shown, commands.map((command) => `[#] ${command}`));
  assertEquals(socket.calls, [
    "mtu 7 1400",
    "queue 7 900",
    "address 7 192.0.2.1/24",
    "address 7 2001:db8::1/64",
    "up 7 true",
    "route 7 203.0.113.0/24",
  ]);
});

Deno.test("the first step that fails ends the rest, and is named with what helps", () => {
  const steps = [upStep("tun7"), routeStep("tun7", parsePrefix("::/0")!)];
  const expected = [
    { code: Errno.EPERM, exitCode: Exit.Permission, hint: "as root" },
    { code: Errno.EEXIST, exitCode: Exit.Failed, hint: "`ip route`" },
    { code: Errno.EINVAL, exitCode: Exit.Failed, hint: "`sudo ip link set dev tun7 up`" },
  ];
  for (const { code, exitCode, hint } of expected) {
    const socket = new RecordingSocket(code);
    const error = assertThrows(() => applySteps(steps, socket, 7, silent), UserError);
    assertEquals(error.message, 'Cannot bring "tun7" up');
    assertEquals(error.exitCode, exitCode);
    assertEquals(error.hint?.includes(hint), true, error.hint);
    assertEquals((error.cause as SysError).code, code);
    assertEquals(socket.calls.length, 1);
  }
});

Deno.test("a kernel setting that is not there is no failure", () => {
  const socket = new RecordingSocket();
  const commands = applySteps([quietStep("net/no/such", "1")], socket, 7, silent);
  assertEquals(commands, ["sysctl --ignore --write net/no/such=1"]);
  assertEquals(socket.calls, []);
});
