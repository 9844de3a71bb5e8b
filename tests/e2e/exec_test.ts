/** `ztun exec`: a command whose whole network is the tunnel, run by root and by an ordinary user. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startNames, startNginx } from "../support/destinations.ts";
import { type Case, e2e } from "../support/e2e.ts";
import { eventually } from "../support/eventually.ts";
import { NAMES, PROXY, PROXY_PORT, WEB, WEB6 } from "../support/lab.ts";
import { OrdinaryUser, setTunMode } from "../support/ordinary_user.ts";
import { must, type RunOptions } from "../support/process.ts";
import { ztunSocks } from "../support/proxies.ts";
import { makeFile } from "../support/transfer.ts";
import { ztun } from "../support/ztun.ts";

/** `ztun exec` with its command. */
type Exec = (...command: string[]) => string[];

const FLAGS = ["exec", "--socks", `${PROXY}:${PROXY_PORT}`, "--dns-server", NAMES, "-q"];

async function asRoot({ lab }: Case): Promise<Exec> {
  await ztunSocks.start(lab);
  return (...command) => ztun(...FLAGS, "--", ...command);
}

/** With the mode that distributions give the device. */
async function asUser(it: Case): Promise<Exec> {
  await ztunSocks.start(it.lab);
  await setTunMode(it.lab, 0o666);
  const user = await OrdinaryUser.prepare(it.lab);
  return (...command) => user.ztun(...FLAGS, "--", ...command);
}

async function network({ lab }: Case, exec: Exec): Promise<void> {
  await startNginx(lab);
  await startNames(lab);
  const must = (...command: string[]) => lab.client.must(exec(...command));
  assertEquals(await must("curl", "-sS", "-m", "10", `http://${WEB}/small`), "small\n");
  assertEquals(await must("curl", "-sS", "-m", "10", "-g", `http://[${WEB6}]/small`), "small\n");
  assertEquals(await must("curl", "-sS", "-m", "10", "http://web.test/small"), "small\n");
  assertEquals(await must("dig", "+notcp", "+short", "web.test", "AAAA"), `${WEB6}\n`);
  assertStringIncludes(
    await must("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", WEB),
    " 0% packet loss",
  );
  const links = await must("ip", "-o", "link");
  assert(!links.includes("uplink"), `The host's network is in sight:\n${links}`);
}

async function status({ lab }: Case, exec: Exec): Promise<void> {
  const codeOf = async (script: string) => (await lab.client.run(exec("sh", "-c", script))).code;
  assertEquals(await codeOf("exit 0"), 0);
  assertEquals(await codeOf("exit 7"), 7);
  assertEquals(await codeOf("kill -TERM $$"), 128 + 15);
  assertEquals(await codeOf("kill -KILL $$"), 128 + 9);
  const running = lab.start("exec", lab.client, exec("sh", "-c", "echo started; exec sleep 300"));
  await running.logged(/started/);
  assertEquals((await running.stop("SIGTERM")).code, 128 + 15);
}

async function streams({ lab }: Case, exec: Exec): Promise<void> {
  const path = `${lab.directory}/binary`;
  await makeFile(path, 3_000_001);
  const bytes = await Deno.readFile(path);
  const options: RunOptions = { input: bytes };
  const script = 'cat; echo "to stderr" >&2';
  const seen = await lab.client.runBinary(exec("sh", "-c", script), options);
  assertEquals(seen.code, 0, seen.stderr);
  assertEquals(seen.stdout.length, bytes.length);
  assert(seen.stdout.every((octet, at) => octet === bytes[at]));
  assertEquals(seen.stderr, "to stderr\n");
}

async function leavesNothing({ lab }: Case, exec: Exec): Promise<void> {
  const before = await lab.client.picture();
  assertEquals((await lab.client.run(exec("true"))).code, 0);
  assertEquals(await lab.client.picture(), before);
  await eventually("every process of exec to be gone", async () => {
    const pids = await must(["ip", "netns", "pids", lab.client.name]);
    return pids.trim() === "" ? true : undefined;
  });
}

for (const [who, prepare] of [["root", asRoot], ["an ordinary user", asUser]] as const) {
  const cases = {
    "curl, dig and ping, by address and by name": network,
    "exit status and signals are the command's": status,
    "standard streams are binary-clean": streams,
    "nothing is left behind": leavesNothing,
  };
  for (const [name, body] of Object.entries(cases)) {
    e2e(`exec by ${who}: ${name}`, "ztun socks", async (it) => body(it, await prepare(it)));
  }
}

e2e(
  "exec by an ordinary user, device at 0600: the hint is the command that helps",
  "-",
  async ({ lab }) => {
    await setTunMode(lab, 0o600);
    const user = await OrdinaryUser.prepare(lab);
    const { code, stderr } = await lab.client.run(user.ztun(...FLAGS, "--", "true"));
    assertEquals(code, 4, stderr);
    assertStringIncludes(stderr, "sudo chmod 0666 /dev/net/tun");
  },
);
