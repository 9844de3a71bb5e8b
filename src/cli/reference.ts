/** The README's reference in Markdown, from the same tables as the help. */

import { groupTitles, type Setting, type SettingGroup, settingsOf } from "../config/definition.ts";
import type { Command } from "./command.ts";
import { exitCodes, keyDefault, otherVariables } from "./topics.ts";

export function reference(commands: readonly Command[]): string {
  const shown = commands.filter((command) => !command.hidden);
  return [
    "### Commands",
    rows(
      ["Command", "What it does"],
      shown.map(({ usage, summary }) => {
        return [usage.map((line) => code(`ztun ${line}`)).join("<br>"), summary];
      }),
    ),
    "`ztun help COMMAND` shows the flags of a command, with examples.",
    "### Settings",
    "A setting is a flag, a variable, or a key of the configuration file (`ztun help config`); the " +
    "first of them that says something counts.",
    ...settingGroups.map((group) => groupTable(group, shown)),
    "### Other variables",
    rows(["Variable", "Meaning"], otherVariables.map(([name, text]) => [code(name), text])),
    "### Exit codes",
    rows(["Code", "Meaning"], exitCodes.map(([number, text]) => [String(number), text])),
    "`ztun exec` ends with the exit status of its command.",
  ].join("\n\n");
}

const settingGroups: readonly SettingGroup[] = [
  "proxy",
  "host",
  "capture",
  "dns",
  "device",
  "tunnel",
  "limits",
  "timeouts",
  "server",
  "common",
];

function groupTable(group: SettingGroup, commands: readonly Command[]): string {
  const takers = commands.filter(({ settings }) => {
    return group === "common" ? settings.length > 0 : settings.includes(group);
  });
  const names = takers.map(({ name }) => code(name)).join(", ");
  const heading = ["Flag", "Variable", "Key", "Default", "Meaning"];
  const title = groupTitles[group].charAt(0) + groupTitles[group].slice(1).toLowerCase();
  return `**${title}** (${names}):\n\n${rows(heading, settingsOf([group]).map(settingRow))}`;
}

function settingRow(setting: Setting): string[] {
  const value = setting.value === undefined ? "" : ` ${setting.value}`;
  const flag = setting.flag === undefined ? "" : code(`--${setting.flag}${value}`);
  const choices = setting.type.kind === "choice" ? `: ${setting.type.choices.join(", ")}` : "";
  const repeats = setting.list ? "; repeats" : "";
  const opposite = setting.negated === undefined ? "" : "; the flag says not to";
  return [
    flag,
    code(setting.env),
    code(setting.key),
    keyDefault(setting),
    `${setting.meaning}${choices}${repeats}${opposite}`,
  ];
}

function code(text: string): string {
  return `\`${text}\``;
}

function rows(heading: readonly string[], lines: readonly (readonly string[])[]): string {
  const all = [heading, heading.map(() => "---"), ...lines];
  return all.map((cells) => `| ${cells.map(cell).join(" | ")} |`).join("\n");
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
