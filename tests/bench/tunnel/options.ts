/** The command line of `deno task bench:tunnel`. */

import { isScenarioName, SCENARIO_NAMES, type ScenarioName } from "./scenario_names.ts";

/** A program with its configuration, as templates: see `template.ts`. */
export interface Program {
  name: string;
  command: string;
  /** Path of a template that is filled in and written to `{config}`. */
  configTemplate: string | undefined;
}

export interface Peer extends Program {
  mtu: number;
  /** As a reader knows it. */
  title: string;
}

export interface Options {
  engines: readonly string[];
  /** Numbers of workers to measure; none leaves it to ztun. */
  workers: readonly number[];
  peers: readonly Peer[];
  /** Our own when there is none. */
  server: Program | undefined;
  scenarios: readonly ScenarioName[];
  rounds: number;
  seconds: number;
  idleSeconds: number;
  /** How long after the last load memory is looked at again. */
  settleSeconds: number;
  /** Files of earlier runs, to be shown in place of a run. */
  from: readonly string[];
  json: string | undefined;
  svg: string | undefined;
  /** Whether the README gets the result. */
  readme: boolean;
  keep: boolean;
  help: boolean;
}

export class UsageError extends Error {}

/** Of `--engines`: whatever ztun takes when it is not told. */
export const DEFAULT_ENGINE = "default";
const DEFAULT_ENGINES = [DEFAULT_ENGINE];
const MTU = 1500;
const RESERVED = /^(direct|proxy|ztun.*)$/;
const LEAST_ROUNDS = 3;

export const USAGE = `usage: deno task bench:tunnel [flags]

  --engines A,B              engines of ztun to measure [${DEFAULT_ENGINES.join()}: as ztun chooses]
  --workers 1,2              each engine with so many workers [as ztun chooses]
  --peer NAME=COMMAND        another tunnel beside it; repeats
  --peer-config NAME=FILE    its configuration, a template
  --peer-mtu NAME=N          the MTU of its device [${MTU}]
  --peer-title NAME=TEXT     its name and version, for the README
  --server NAME=COMMAND      another SOCKS5 server than \`ztun socks\`
  --server-config NAME=FILE  its configuration, a template
  --scenarios A,B            some scenarios only
  --rounds N                 rounds of each scenario, at least ${LEAST_ROUNDS} [${LEAST_ROUNDS}]
  --seconds N                length of a sample [3]
  --json FILE                writes everything that was measured
  --svg FILE                 draws the first figure of each scenario
  --readme                   puts table and picture into the README
  --from FILE                measures nothing, and shows what --json has written; repeats:
                             of a scenario that several files have, the last
  --quick                    samples of one second, short waits
  --keep                     keeps the folder with configurations and logs

COMMAND and FILE may name {device} {mtu} {proxy_host} {proxy_port} {config}.
scenarios: ${SCENARIO_NAMES.join(" ")}
`;

const SWITCHES = ["help", "keep", "quick", "readme"] as const;
const SINGLE = ["engines", "workers", "server", "server-config", "scenarios"] as const;
const MORE = ["rounds", "seconds", "json", "svg"] as const;
const REPEATED = ["peer", "peer-config", "peer-mtu", "peer-title", "from"] as const;
const VALUED: readonly string[] = [...SINGLE, ...MORE, ...REPEATED];

export function parseOptions(args: readonly string[]): Options {
  const flags = read(args);
  const quick = flags.has("quick");
  const one = (name: typeof SINGLE[number] | typeof MORE[number]) => flags.get(name)?.[0];
  return {
    engines: one("engines")?.split(",") ?? DEFAULT_ENGINES,
    workers: one("workers")?.split(",").map((text) => wholeNumber("workers", text, 1)) ?? [],
    peers: peersOf(flags),
    server: programsOf(flags, "server")[0],
    scenarios: scenariosOf(one("scenarios")),
    rounds: wholeNumber("rounds", one("rounds") ?? String(LEAST_ROUNDS), LEAST_ROUNDS),
    seconds: wholeNumber("seconds", one("seconds") ?? (quick ? "1" : "3"), 1),
    idleSeconds: quick ? 5 : 20,
    settleSeconds: quick ? 2 : 10,
    from: flags.get("from") ?? [],
    json: one("json"),
    svg: one("svg"),
    readme: flags.has("readme"),
    keep: flags.has("keep"),
    help: flags.has("help"),
  };
}

/** Each flag with its values, in order; a switch has none. */
function read(args: readonly string[]): Map<string, string[]> {
  const flags = new Map<string, string[]>();
  for (let at = 0; at < args.length; at++) {
    const [, name = "", inline] = args[at]!.match(/^--([a-z-]+)(?:=(.*))?$/s) ?? [];
    if (SWITCHES.some((known) => known === name) && inline === undefined) flags.set(name, []);
    else if (!VALUED.includes(name)) throw new UsageError(`Unknown argument ${args[at]}`);
    else add(flags, name, inline ?? args[++at]);
  }
  return flags;
}

function add(flags: Map<string, string[]>, name: string, value: string | undefined): void {
  if (value === undefined) throw new UsageError(`--${name} needs a value`);
  const before = flags.get(name) ?? [];
  if (before.length > 0 && !REPEATED.some((known) => known === name)) {
    throw new UsageError(`--${name} is given twice`);
  }
  flags.set(name, [...before, value]);
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least) return value;
  throw new UsageError(`--${name} takes a whole number from ${least}, not "${text}"`);
}

function scenariosOf(text: string | undefined): readonly ScenarioName[] {
  if (text === undefined) return SCENARIO_NAMES;
  const names = text.split(",");
  const unknown = names.find((name) => !isScenarioName(name));
  if (unknown !== undefined) throw new UsageError(`There is no scenario "${unknown}"`);
  return SCENARIO_NAMES.filter((name) => names.includes(name));
}

function peersOf(flags: Map<string, string[]>): Peer[] {
  const mtus = namedValues(flags, "peer-mtu");
  const titles = namedValues(flags, "peer-title");
  const peers = programsOf(flags, "peer").map((program) => ({
    ...program,
    mtu: wholeNumber("peer-mtu", mtus.get(program.name) ?? String(MTU), 576),
    title: titles.get(program.name) ?? program.name,
  }));
  const names = peers.map(({ name }) => name);
  const taken = names.find((name, at) => RESERVED.test(name) || names.indexOf(name) !== at);
  if (taken !== undefined) throw new UsageError(`The name "${taken}" is taken`);
  requireKnown("peer-mtu", mtus, names);
  requireKnown("peer-title", titles, names);
  return peers;
}

function programsOf(flags: Map<string, string[]>, flag: "peer" | "server"): Program[] {
  const configs = namedValues(flags, `${flag}-config`);
  const programs = (flags.get(flag) ?? []).map((text) => {
    const [name, command] = named(flag, text);
    return { name, command, configTemplate: configs.get(name) };
  });
  requireKnown(`${flag}-config`, configs, programs.map(({ name }) => name));
  return programs;
}

function namedValues(flags: Map<string, string[]>, flag: string): Map<string, string> {
  return new Map((flags.get(flag) ?? []).map((text) => named(flag, text)));
}

/** NAME=VALUE; the name becomes part of files and of the table. */
function named(flag: string, text: string): [string, string] {
  const [, name, value] = text.match(/^([a-z0-9-]+)=(.+)$/si) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new UsageError(`--${flag} takes NAME=VALUE, not "${text}"`);
}

function requireKnown(flag: string, given: Map<string, string>, names: string[]): void {
  const stranger = [...given.keys()].find((name) => !names.includes(name));
  if (stranger !== undefined) {
    throw new UsageError(`--${flag} names "${stranger}", which is nobody`);
  }
}
