/** The flags that a command takes: settings, its own, and those that every command has. */

import { type Setting, settingsOf } from "../config/definition.ts";
import { defaultText } from "../config/load.ts";
import type { Command } from "./command.ts";

export interface Flag {
  name: string;
  short?: string;
  /** Placeholder of the value; none for a switch. */
  value?: string;
  meaning: string;
  default: string;
  repeats: boolean;
  /** Heading in the help. */
  group: string;
  /** What it sets, if it is a setting. */
  setting?: Setting;
  /** What completion offers as values. */
  choices: readonly string[];
  /** Completion offers files. */
  file: boolean;
}

/** All flags of a command, in the order of the help. */
export function flagsOf(command: Command): Flag[] {
  const groups = command.settings.filter((group) => group !== "common");
  return [
    ...command.flags.map((flag) => ({ ...plain, ...flag, default: flag.default ?? "" })),
    ...settingsOf(groups).flatMap(fromSetting),
    ...(readsSettings(command) ? [configFlag] : []),
    ...settingsOf(["common"]).filter((setting) => {
      return readsSettings(command) || setting.key === "color";
    }).flatMap(fromSetting),
    ...switches,
  ];
}

/** Whether the configuration is read for a command at all. */
export function readsSettings(command: Command): boolean {
  return command.settings.length > 0;
}

const plain = { repeats: false, group: "command", choices: [], file: false };
const shared = { ...plain, group: "common", default: "" };

const configFlag: Flag = {
  ...shared,
  name: "config",
  value: "FILE",
  meaning: "Read settings from this file (ZTUN_CONFIG)",
  file: true,
};

const switches: readonly Flag[] = [
  { ...shared, name: "verbose", short: "v", meaning: "Log at debug, show stacks of errors" },
  { ...shared, name: "quiet", short: "q", meaning: "Say only warnings and errors" },
  { ...shared, name: "help", short: "h", meaning: "Show this help" },
];

function fromSetting(setting: Setting): Flag[] {
  if (setting.flag === undefined) return [];
  return [{
    name: setting.flag,
    ...(setting.value === undefined ? {} : { value: setting.value }),
    meaning: setting.negated ?? setting.meaning,
    default: defaultText(setting),
    repeats: setting.list === true,
    group: setting.group,
    setting,
    choices: setting.type.kind === "choice" ? setting.type.choices : [],
    file: setting.type.kind === "file",
  }];
}
