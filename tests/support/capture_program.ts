/**
 * Captures the host that it finds itself on into a device that is there, and gives it back:
 *
 *   capture_program.ts SETTINGS
 *
 * The settings are an object of JSON with `capture` and `dns` members, `proxy` (an address), and `dry`.
 * Between the two it runs `$MEANWHILE`, a shell command, and follows what that has changed. Prints one
 * object of JSON.
 */

import { beginCapture, type RunningCapture } from "../../src/capture/begin_capture.ts";
import { ProxyAddresses } from "../../src/capture/proxy_address.ts";
import { parsePrefix } from "../../src/addr/prefix.ts";
import { defaultSettings } from "../../src/config/settings.ts";
import { UserError } from "../../src/errors.ts";
import { runCommand } from "../../src/host/changes/run_command.ts";

const { capture = {}, proxy, dry = false } = JSON.parse(Deno.args[0]!);
const settings = defaultSettings();
Object.assign(settings.capture, capture);
const log = { debug() {}, warn: (line: string) => void warnings.push(line) };
const warnings: string[] = [];
const said = await begin().then(seen, failure);
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ ...said, warnings })));

async function begin(): Promise<RunningCapture> {
  const running = await beginCapture({
    settings,
    device: "ztun0",
    prefixes: settings.tun.addresses.map((text) => parsePrefix(text)!),
    lastWill: undefined,
    proxies: await ProxyAddresses.resolve(proxy, performance.now()),
    port: 1080,
    dry,
    keepSwitch: false,
    ownUsers: [0],
    runtime: undefined,
    log,
  });
  try {
    await running.capture.takeIn();
    return running;
  } catch (error) {
    await running.end();
    throw error;
  }
}

async function seen({ capture, exempted, nameServers, upstreams, end }: RunningCapture) {
  const { stdout: meanwhile } = await runCommand(["sh", "-c", Deno.env.get("MEANWHILE") ?? ""]);
  await capture.follow();
  const { stdout: after } = await runCommand(["sh", "-c", Deno.env.get("AFTER") ?? ""]);
  const { commands, routing } = capture;
  const { failed, altered } = await end();
  return {
    commands,
    routing,
    said: exempted.said,
    nameServers,
    upstreams,
    meanwhile,
    after,
    failed,
    altered,
  };
}

function failure(error: unknown) {
  if (!(error instanceof UserError)) throw error;
  return { message: error.message, hint: error.hint };
}
