/** `ztun service`: `ztun up` as a service of the system, started with it and watched by systemd. */

import { requireProxy } from "../../config/credentials.ts";
import { quote } from "../../config/quote.ts";
import { Exit, UserError } from "../../errors.ts";
import type { ServiceHost } from "../../host/service/install.ts";
import { LineLog } from "../../log.ts";
import type { Command, CommandInput } from "../command.ts";
import { usageError } from "../parse_command_line.ts";
import { command as up } from "./up.ts";

const ACTIONS = ["install", "remove", "show"] as const;

/** `host` is for tests; without one it is the real one. */
export function serviceCommand(host?: ServiceHost): Command {
  return {
    name: "service",
    summary: "Install or remove the service that runs `ztun up`",
    usage: [
      "service install [--name NAME] [--no-start] [flags of up]",
      "service remove [--name NAME]",
      "service show [flags of up]",
    ],
    settings: up.settings,
    flags: [
      { name: "name", value: "NAME", meaning: "Name of the service", default: "ztun" },
      { name: "no-start", meaning: "Install it for the next boot, and do not start it now" },
    ],
    positionals: [{
      name: "ACTION",
      meaning: `One of ${ACTIONS.join(", ")}`,
      required: true,
      choices: () => ACTIONS,
    }],
    examples: [
      {
        command: "sudo ztun service install --config /etc/ztun.json",
        meaning: "A tunnel from now on, and after every boot",
      },
      {
        command: "ztun service show --socks 127.0.0.1:1080",
        meaning: "Read what would be installed",
      },
      { command: "sudo ztun service remove", meaning: "Stop it, and take it away" },
    ],
    details: [
      "install writes a unit of systemd's to /etc/systemd/system, enables it and starts it, with the " +
      "flags that it is given; the same with other flags replaces it. remove undoes that; a unit " +
      "that somebody has altered is left alone. show prints the unit and changes nothing.",
      "Variables of this shell do not reach a service: what they say is to be said as flags, or in " +
      "a file that --config names. A password never gets into the unit: --password-file.",
      "`systemctl stop ztun` undoes what `ztun up` has done, as Ctrl-C would. From a boot until the " +
      "service is ready, nothing holds packets back. remove exits 3 when there is no service.",
    ],
    run: (input) => run(input, host),
  };
}

export const command: Command = serviceCommand();

async function run(input: CommandInput, given: ServiceHost | undefined): Promise<number> {
  const [action = ""] = input.positionals;
  const name = nameIn(input);
  const host = given ?? await realHost();
  switch (action) {
    case "install":
      return await install(input, host, name);
    case "remove":
      return await remove(input, host, name);
    case "show":
      input.environment.out(await unitOf(input, host));
      return Exit.Ok;
    default:
      throw usageError(
        `${quote(action)} is not one of ${ACTIONS.join(", ")}`,
        "`ztun help service`",
      );
  }
}

async function install(input: CommandInput, host: ServiceHost, name: string): Promise<number> {
  const unit = await unitOf(input, host);
  requireRoot(input, "install");
  const start = input.flags["no-start"] !== true;
  const { installService, unitPath } = await import("../../host/service/install.ts");
  await installService(host, { name, unit, start });
  const now = start ? "runs, now and" : "will run";
  say(input, `${unitPath(name)} is written: it ${now} after every boot\n`);
  return Exit.Ok;
}

async function remove(input: CommandInput, host: ServiceHost, name: string): Promise<number> {
  if ([...input.given.keys()].some((key) => !key.startsWith("log.") && key !== "color")) {
    throw usageError("`ztun service remove` takes no flag but --name", "`ztun help service`");
  }
  requireRoot(input, "remove");
  const { removeService } = await import("../../host/service/install.ts");
  if (await removeService(host, name)) {
    say(input, `The service ${name} is stopped and removed\n`);
    return Exit.Ok;
  }
  throw new UserError(`No service ${name} is installed`, {
    exitCode: Exit.NotRunning,
    hint: "sudo ztun service install --socks 127.0.0.1:1080",
  });
}

/** Everything that can be wrong with the flags is found here, before anything is written. */
async function unitOf(input: CommandInput, host: ServiceHost): Promise<string> {
  const { settings, environment, given, configPath } = input;
  const [
    { absolute, flagWords, refuseVariables },
    { serviceProgram },
    { unitText },
    { marked },
  ] = await Promise.all([
    import("../../host/service/flag_words.ts"),
    import("../../host/service/program.ts"),
    import("../../host/service/unit.ts"),
    import("../../host/service/unit_mark.ts"),
  ]);
  requireProxy(settings.proxy);
  if (settings.tun.fd >= 0) {
    throw usageError("A service inherits no descriptor: --tun-fd is not for it", "Leave it out");
  }
  if (settings.capture.confirm > 0) {
    throw usageError("Nobody is there to confirm a service", "Leave out --confirm");
  }
  refuseVariables(up.settings, given, (name) => environment.env(name));
  const flags = flagWords(given, environment.cwd());
  if (configPath !== undefined) {
    flags.unshift(`--config=${absolute(configPath, environment.cwd())}`);
  }
  return await marked(unitText({
    program: await serviceProgram(environment.selfCommand(), host.run),
    flags,
    graceMs: settings.timeouts.grace,
    strict: settings.capture.strict,
  }));
}

/** What systemd takes, without what it reads as a template or as a kind of unit. */
function nameIn({ flags }: CommandInput): string {
  const { name = "ztun" } = flags;
  if (typeof name === "string" && /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name)) return name;
  throw usageError(
    `${quote(String(name))} is no name for a service`,
    "Letters, digits, - and _: --name ztun-2",
  );
}

function requireRoot({ environment }: CommandInput, action: string): void {
  if (environment.uid() === 0) return;
  throw new UserError(`Only root may ${action} a service`, {
    exitCode: Exit.Permission,
    hint: "Run the same command as root, with `sudo` in front",
  });
}

function say({ quiet, environment }: CommandInput, text: string): void {
  if (!quiet) environment.err(text);
}

async function realHost(): Promise<ServiceHost> {
  const [{ realDisk }, { commandRunner }] = await Promise.all([
    import("../../host/disk.ts"),
    import("../../host/changes/run_command.ts"),
  ]);
  const log = new LineLog(["ztun", "host"]);
  return { disk: realDisk, run: commandRunner(PATIENCE_MS), root: "", log };
}

/** Longer than systemd waits for a service to stop, and then to start. */
const PATIENCE_MS = 30 * 60_000;
