/** The JSON Schema of the configuration file, from the definition table. */

import { type Setting, settingTable, type ValueType } from "./definition.ts";
import { isCredential, settingAt } from "./load.ts";
import { defaultSettings } from "./settings.ts";
import { formatValue, type Value } from "./values.ts";

export type Schema = { [key: string]: unknown; properties?: Record<string, Schema> };

export function configSchema(): Schema {
  const root: Schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "ztun configuration",
    ...emptyObject(),
  };
  root.properties = { $schema: { type: "string" } };
  for (const setting of settingTable) {
    const names = setting.key.split(".");
    const last = names.pop() ?? "";
    let section = root;
    for (const name of names) {
      section.properties ??= {};
      section = section.properties[name] ??= emptyObject();
    }
    section.properties ??= {};
    section.properties[last] = schemaOf(setting);
  }
  return root;
}

function emptyObject(): Schema {
  return { type: "object", additionalProperties: false };
}

function schemaOf(setting: Setting): Schema {
  const type = schemaOfType(setting.type);
  const preset = defaultOf(setting);
  return {
    description: setting.meaning,
    ...(setting.list ? { type: "array", items: type } : type),
    ...(preset === undefined ? {} : { default: preset }),
  };
}

const DURATION = "^(\\d+(\\.\\d+)?d)?(\\d+(\\.\\d+)?h)?(\\d+(\\.\\d+)?m)?(\\d+(\\.\\d+)?s)?" +
  "(\\d+(\\.\\d+)?ms)?$";

function schemaOfType(type: ValueType): Schema {
  switch (type.kind) {
    case "count":
      return { type: "integer", minimum: type.min, maximum: type.max };
    case "size":
      return {
        anyOf: [
          { type: "integer", minimum: type.min, maximum: type.max },
          { type: "string", pattern: "^\\d+(B|KiB|MiB|GiB)?$" },
        ],
      };
    case "mark":
      return {
        anyOf: [
          { type: "integer", minimum: type.min, maximum: type.max },
          { type: "string", pattern: "^(0x[0-9a-fA-F]+|\\d+)$" },
        ],
      };
    case "duration":
      return { type: "string", minLength: 2, pattern: DURATION };
    case "choice":
      return { enum: [...type.choices] };
    case "switch":
      return { type: "boolean" };
    case "device":
      return { type: "string", minLength: 1, maxLength: 15 };
    default:
      return { type: "string" };
  }
}

/** The default as the file would say it. */
function defaultOf(setting: Setting): unknown {
  if (setting.otherwise !== undefined || isCredential(setting.key)) return undefined;
  const value = settingAt(defaultSettings(), setting.key) as Value;
  const { kind } = setting.type;
  return ["size", "mark", "duration", "endpoint"].includes(kind)
    ? formatValue(setting.type, value)
    : value;
}
