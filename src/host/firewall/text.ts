/**
 * Tables as `nft` reads them. Pure.
 */

import { formatAddress } from "../../addr/address.ts";
import { formatSocketAddress } from "../../addr/endpoint.ts";
import { formatPrefix } from "../../addr/prefix.ts";
import { type Field, fieldInfo, formatFlags, formatValue } from "./field.ts";
import {
  type Action,
  type Chain,
  type Match,
  type NamedSet,
  type Rule,
  type Statement,
  type Table,
  WHOLE_MASK,
} from "./rule.ts";

/** What `nft -f` makes the table of, in place of one of the same name. */
export function replacementText(table: Table): string {
  const name = `table inet ${table.name}`;
  return `${name}\ndelete ${name}\n${tableText(table)}`;
}

/** A command that a shell runs as it stands. */
export function replacementCommand(table: Table): string {
  return `nft -f - <<'END'\n${replacementText(table)}END`;
}

export function deletionCommand(table: string): string {
  return `nft delete table inet ${table}`;
}

/** The table as `nft list` shows it, more or less. */
export function tableText(table: Table): string {
  const parts = [
    ...table.counters.map((name) => `\tcounter ${name} {\n\t}\n`),
    ...table.sets.map(setText),
    ...table.chains.map(chainText),
  ];
  return `table inet ${table.name} {\n${parts.join("\n")}}\n`;
}

function setText(set: NamedSet): string {
  const fields = "prefixes" in set ? [set.field] : set.fields;
  const type = fields.map((field) => fieldInfo(field).setType).join(" . ");
  const elements = "prefixes" in set
    ? set.prefixes.map(formatPrefix)
    : set.values.map((values) =>
      values.map((value, index) => formatValue(fields[index]!, value)).join(" . ")
    );
  return [
    `\tset ${set.name} {`,
    `\t\ttype ${type}`,
    ..."prefixes" in set ? ["\t\tflags interval"] : [],
    ...elements.length > 0 ? [`\t\telements = { ${elements.join(", ")} }`] : [],
    "\t}\n",
  ].join("\n");
}

function chainText({ name, hook, rules }: Chain): string {
  const head = hook === undefined
    ? []
    : [`type ${hook.type} hook ${hook.hook} priority ${hook.priority}; policy ${hook.policy};`];
  const lines = [...head, ...rules.map(ruleText)].map((line) => `\t\t${line}\n`);
  return `\tchain ${name} {\n${lines.join("")}\t}\n`;
}

export function ruleText(rule: Rule): string {
  return rule.map(statementText).join(" ");
}

function statementText(statement: Statement): string {
  switch (statement.kind) {
    case "is":
    case "between":
    case "within":
    case "masked":
    case "has":
    case "oneOf":
    case "inSet":
    case "cgroup":
      return matchText(statement);
    default:
      return actionText(statement);
  }
}

function matchText(match: Match): string {
  const not = "not" in match ? "!= " : "";
  switch (match.kind) {
    case "is":
      return `${match.field} ${not}${formatValue(match.field, match.value)}`;
    case "between":
      return `${match.field} ${not}${match.from}-${match.to}`;
    case "within":
      return `${match.field} ${not}${formatPrefix(match.prefix)}`;
    case "masked":
      return maskedText(match.field, match.mask, not || "== ", match.value);
    case "has":
      return `${match.field} ${match.flags.join(",")}`;
    case "oneOf": {
      const values = match.values.map((value) => formatValue(match.field, value));
      return `${match.field} ${not}{ ${values.join(", ")} }`;
    }
    case "inSet":
      return `${match.fields.join(" . ")} ${not}@${match.set}`;
    case "cgroup":
      return `socket cgroupv2 level ${match.cgroup.level} ${not}"${match.cgroup.path}"`;
  }
}

function maskedText(field: Field, mask: number, operator: string, value: number): string {
  return `${field} & ${formatFlags(field, mask)} ${operator}${formatFlags(field, value)}`;
}

function actionText(action: Action): string {
  switch (action.kind) {
    case "verdict":
      return action.verdict;
    case "jump":
      return `jump ${action.chain}`;
    case "setMark": {
      const { field, mark: { value, mask } } = action;
      const wanted = formatValue(field, value);
      if (mask === WHOLE_MASK) return `${field} set ${wanted}`;
      return `${field} set ${field} & ${formatValue(field, ~mask >>> 0)} | ${wanted}`;
    }
    case "counter":
      return action.name === undefined ? "counter" : `counter name "${action.name}"`;
    case "limit": {
      const over = action.over === true ? "over " : "";
      return `limit rate ${over}${action.rate}/${action.per} burst ${action.burst} packets`;
    }
    case "reject":
      return action.with === "tcp reset"
        ? "reject with tcp reset"
        : `reject with icmpx ${action.with}`;
    case "masquerade":
      return "masquerade";
    case "redirect":
      return `redirect to :${action.port}`;
    case "dnat":
      return destinationText(action);
    case "clampMss":
      return `tcp option maxseg size set ${action.to === "route" ? "rt mtu" : action.to}`;
  }
}

function destinationText({ address, port }: Extract<Action, { kind: "dnat" }>): string {
  const family = address.length === 4 ? "ip" : "ip6";
  const to = port === undefined ? formatAddress(address) : formatSocketAddress(address, port);
  return `dnat ${family} to ${to}`;
}
