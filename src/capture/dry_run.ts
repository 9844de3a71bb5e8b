/** What `up` would do to the host, as commands: nothing is changed, and nobody is asked but this host. */

import { parsePrefix } from "../addr/prefix.ts";
import type { ProxySettings, Settings } from "../config/settings.ts";
import type { PathEnvironment } from "../control/socket_path.ts";
import { planDevice } from "../host/device_plan.ts";
import type { HostLog } from "../host/step.ts";
import { hostHasIpv6 } from "../host/tun_setup.ts";
import { withRoutes } from "../host/with_routes.ts";
import { beginCapture } from "./begin_capture.ts";
import { ownUsers } from "./own_users.ts";
import { ProxyAddresses } from "./proxy_address.ts";

export interface DryRunOptions {
  readonly settings: Settings;
  readonly proxy: ProxySettings;
  readonly environment: PathEnvironment;
}

export async function dryRun(options: DryRunOptions): Promise<string[]> {
  const { settings } = options;
  const device = settings.tun.name === "" ? firstFreeName() : settings.tun.name;
  const hasIpv6 = hostHasIpv6();
  const steps = planDevice({ device, tun: settings.tun, routes: [], hasIpv6 });
  return [
    `ip tuntap add dev ${device} mode tun`,
    ...steps.map(({ command }) => command),
    ...settings.capture.routes ? await captureCommands(options, device) : [],
  ];
}

async function captureCommands(
  { settings, proxy, environment }: DryRunOptions,
  device: string,
): Promise<string[]> {
  const proxies = await ProxyAddresses.resolve(proxy.host, performance.now());
  const { capture, exempted, end } = await beginCapture({
    settings,
    device,
    prefixes: settings.tun.addresses.map((text) => parsePrefix(text)!)
      .filter(({ address }) => address.length === 4 || hostHasIpv6()),
    proxies,
    port: proxy.port,
    dry: true,
    lastWill: undefined,
    keepSwitch: false,
    ownUsers: ownUsers(environment),
    runtime: environment.env("XDG_RUNTIME_DIR"),
    log: SILENT,
  });
  await capture.takeIn();
  await end();
  await proxies.close();
  const said = exempted.said === "" ? [] : [`# ${exempted.said}`];
  return [...said, ...capture.commands];
}

/** The commands are the answer. */
const SILENT: HostLog = { debug() {}, warn() {} };

/** The name that the kernel would give. */
function firstFreeName(): string {
  return withRoutes((socket) => {
    let number = 0;
    while (socket.findLink(`ztun${number}`) !== undefined) number++;
    return `ztun${number}`;
  });
}
