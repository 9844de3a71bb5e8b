/**
 * Rules into the kernel's expressions: the ones that `nft` makes of the same rules' text, so that both
 * list alike. Pure.
 */

import {
  bitwise,
  Compare,
  compare,
  counter,
  Ct,
  ctStore,
  destinationNat,
  type Expression,
  Icmpx,
  immediate,
  limit,
  lookup,
  masquerade,
  Meta,
  metaStore,
  namedCounter,
  NfProto,
  range,
  redirect,
  rejectIcmpx,
  rejectTcp,
  routeMss,
  socketCgroup,
  storeMss,
  toNetworkOrder,
  Verdict,
  verdict,
} from "../../../ffi/nftables_expression_linux.ts";
import type { KernelElement, KernelSet, KernelTable } from "../../../ffi/nftables_table_linux.ts";
import { comparePrefixes, type Prefix } from "../../addr/prefix.ts";
import { set32le } from "../../bytes.ts";
import {
  encodeNumber,
  encodeValue,
  type Field,
  fieldInfo,
  isPattern,
  type Needs,
  Protocol,
  type Scalar,
} from "./field.ts";
import {
  type Action,
  type Mark,
  type Match,
  type NamedSet,
  type Rule,
  type Statement,
  type Table,
  WHOLE_MASK,
} from "./rule.ts";

const VERDICTS = { accept: Verdict.Accept, drop: Verdict.Drop, return: Verdict.Return } as const;
const SECONDS = { second: 1, minute: 60, hour: 3600 } as const;
/** The kernel numbers unnamed sets; the id says which is meant. */
const UNNAMED = "__set%d";
/** Bits of one field's type in the type of several together. */
const TYPE_BITS = 6;
/** The first word behind an address, where a port goes. */
const PORT_WORD = 4;

export function compileTable(table: Table): KernelTable {
  const sets = table.sets.map((set, index) => compileSet(set, index + 1));
  const compiler = new Compiler(sets);
  const chains = table.chains.map(({ name, hook, rules }) => ({
    name,
    hook,
    rules: rules.map((rule) => compiler.rule(rule)),
  }));
  return { name: table.name, counters: table.counters, sets: compiler.sets, chains };
}

/** Rules one after the other, and the sets that they turn out to need. */
class Compiler {
  readonly sets: KernelSet[];
  #out: Expression[] = [];
  #known: Needs = {};

  constructor(named: readonly KernelSet[]) {
    this.sets = [...named];
  }

  rule(rule: Rule): Expression[] {
    this.#out = [];
    this.#known = {};
    for (const statement of rule) this.#statement(statement);
    return this.#out;
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case "is":
      case "between":
      case "within":
      case "masked":
      case "has":
      case "oneOf":
      case "inSet":
      case "cgroup":
        return this.#match(statement);
      default:
        return this.#action(statement);
    }
  }

  #match(match: Match): void {
    if (match.kind === "cgroup") return this.#cgroup(match);
    if (match.kind === "inSet") return this.#inSet(match);
    const { field } = match;
    this.#require(fieldInfo(field));
    this.#out.push(fieldInfo(field).load(0));
    const operator = "not" in match ? Compare.NotEqual : Compare.Equal;
    switch (match.kind) {
      case "is":
        this.#out.push(compare(operator, 0, encodeValue(field, match.value)));
        this.#learn(match);
        return;
      case "between":
        return this.#between(field, operator, match.from, match.to);
      case "within":
        return this.#within(operator, match.prefix);
      case "masked":
        return this.#masked(field, operator, match.mask, match.value);
      case "has":
        return this.#masked(field, Compare.NotEqual, flagBits(field, match.flags), 0);
      case "oneOf": {
        const id = this.#unnamedSet(field, match.values);
        this.#out.push(lookup(UNNAMED, id, 0, "not" in match));
      }
    }
  }

  /** A field that only some packets have: without these questions it would be read out of others. */
  #require({ family, protocol }: Needs): void {
    if (family !== undefined && this.#known.family !== family) {
      this.#statement({ kind: "is", field: "meta nfproto", value: family });
    }
    if (protocol !== undefined && this.#known.protocol !== protocol) {
      this.#statement({ kind: "is", field: "meta l4proto", value: protocol });
    }
  }

  /** What is asked once holds for the rest of the rule. */
  #learn(match: Extract<Match, { kind: "is" }>): void {
    if (match.not) return;
    const value = encodeValue(match.field, match.value)[0]!;
    if (match.field === "meta nfproto") this.#known = { ...this.#known, family: value };
    if (match.field === "meta l4proto") this.#known = { ...this.#known, protocol: value };
  }

  #between(field: Field, operator: number, from: number, to: number): void {
    const { size, order } = fieldInfo(field);
    // The kernel compares octets, which is only right for numbers in network order.
    if (order === "host") this.#out.push(toNetworkOrder(0, size));
    this.#out.push(
      range(
        operator,
        0,
        encodeNumber(from, size, "network"),
        encodeNumber(to, size, "network"),
      ),
    );
  }

  #within(operator: number, { address, length }: Prefix): void {
    const mask = address.map((_, index) => 0xff00 >>> Math.min(8, Math.max(0, length - index * 8)));
    if (length < address.length * 8) {
      this.#out.push(bitwise(0, mask, new Uint8Array(address.length)));
    }
    this.#out.push(compare(operator, 0, address.map((octet, index) => octet & mask[index]!)));
  }

  #masked(field: Field, operator: number, mask: number, value: number): void {
    const { size, order } = fieldInfo(field);
    this.#out.push(
      bitwise(0, encodeNumber(mask, size, order), new Uint8Array(size)),
      compare(operator, 0, encodeNumber(value, size, order)),
    );
  }

  #unnamedSet(field: Field, values: readonly Scalar[]): number {
    const id = this.sets.length + 1;
    const set = compileSet({ name: UNNAMED, fields: [field], values: values.map((v) => [v]) }, id);
    this.sets.push({ ...set, anonymous: true });
    return id;
  }

  #inSet(match: Extract<Match, { kind: "inSet" }>): void {
    const set = this.sets.find(({ name, anonymous }) => name === match.set && !anonymous);
    if (set === undefined) throw new TypeError(`Cannot find the set "${match.set}"`);
    for (const field of match.fields) this.#require(fieldInfo(field));
    let word = 0;
    for (const field of match.fields) {
      this.#out.push(fieldInfo(field).load(word));
      word += Math.ceil(fieldInfo(field).size / 4);
    }
    this.#out.push(lookup(match.set, set.id, 0, "not" in match));
  }

  #cgroup(match: Extract<Match, { kind: "cgroup" }>): void {
    const { level, id } = match.cgroup;
    const octets = new Uint8Array(8);
    set32le(octets, 0, id);
    set32le(octets, 4, Math.floor(id / 0x1_0000_0000));
    const operator = "not" in match ? Compare.NotEqual : Compare.Equal;
    this.#out.push(socketCgroup(level, 0), compare(operator, 0, octets));
  }

  #action(action: Action): void {
    switch (action.kind) {
      case "verdict":
        return this.#add(verdict(VERDICTS[action.verdict]));
      case "jump":
        return this.#add(verdict(Verdict.Jump, action.chain));
      case "setMark":
        return this.#setMark(action.field, action.mark);
      case "counter":
        return this.#add(action.name === undefined ? counter() : namedCounter(action.name));
      case "limit": {
        const { rate, per, burst, over } = action;
        return this.#add(limit({ rate, seconds: SECONDS[per], burst, over: over === true }));
      }
      case "reject":
        return this.#reject(action.with);
      case "masquerade":
        return this.#add(masquerade());
      case "redirect":
        return this.#add(immediate(0, encodeNumber(action.port, 2, "network")), redirect(0));
      case "dnat":
        return this.#destinationNat(action);
      case "clampMss":
        return this.#clampMss(action.to);
    }
  }

  #add(...expressions: Expression[]): void {
    this.#out.push(...expressions);
  }

  #setMark(field: "meta mark" | "ct mark", { value, mask }: Mark): void {
    const wanted = encodeNumber(value, 4, "host");
    if (mask === WHOLE_MASK) this.#add(immediate(0, wanted));
    else {
      const others = encodeNumber(~mask, 4, "host");
      this.#add(fieldInfo(field).load(0), bitwise(0, others, wanted));
    }
    this.#add(field === "ct mark" ? ctStore(Ct.Mark, 0) : metaStore(Meta.Mark, 0));
  }

  #reject(how: Extract<Action, { kind: "reject" }>["with"]): void {
    if (how !== "tcp reset") return this.#add(rejectIcmpx(Icmpx[how]));
    if (this.#known.protocol !== Protocol.tcp) {
      throw new TypeError("Cannot reset what need not be TCP: ask for the protocol before");
    }
    this.#add(rejectTcp());
  }

  #destinationNat({ address, port }: Extract<Action, { kind: "dnat" }>): void {
    const family = address.length === 4 ? NfProto.Ipv4 : NfProto.Ipv6;
    this.#require({ family });
    this.#add(immediate(0, address));
    if (port !== undefined) this.#add(immediate(PORT_WORD, encodeNumber(port, 2, "network")));
    this.#add(destinationNat(family, 0, port === undefined ? undefined : PORT_WORD));
  }

  #clampMss(to: number | "route"): void {
    if (to === "route") this.#add(routeMss(0), toNetworkOrder(0, 2));
    else this.#add(immediate(0, encodeNumber(to, 2, "network")));
    this.#add(storeMss(0));
  }
}

function flagBits(field: Field, flags: readonly string[]): number {
  const names = fieldInfo(field).names ?? {};
  return flags.reduce((bits, flag) => {
    const bit = names[flag];
    if (bit === undefined) throw new TypeError(`Cannot find "${flag}" among the flags of ${field}`);
    return bits | bit;
  }, 0);
}

function compileSet(set: NamedSet, id: number): KernelSet {
  if ("prefixes" in set) {
    return {
      ...setKey(set.name, [set.field], id),
      interval: true,
      elements: intervals(set.prefixes),
    };
  }
  const { name, fields, values } = set;
  return {
    ...setKey(name, fields, id),
    interval: false,
    elements: values.map((value) => ({ key: joinKey(fields, value), end: false, open: false })),
  };
}

function setKey(name: string, fields: readonly Field[], id: number) {
  const infos = fields.map(fieldInfo);
  return {
    name,
    id,
    anonymous: false,
    keyType: infos.reduce((type, { keyType }) => (type << TYPE_BITS) | keyType, 0),
    keyLength: infos.length === 1
      ? infos[0]!.size
      : infos.reduce((length, { size }) => length + Math.ceil(size / 4) * 4, 0),
    hostOrder: infos.length === 1 && infos[0]!.order === "host",
  };
}

/** The fields behind one another, each from a whole word on. */
function joinKey(fields: readonly Field[], values: readonly Scalar[]): Uint8Array {
  const parts = fields.map((field, index) => {
    const value = values[index]!;
    if (isPattern(value)) throw new TypeError(`Cannot be in a set: "${value}"`);
    return encodeValue(field, value);
  });
  if (parts.length === 1) return parts[0]!;
  const key = new Uint8Array(
    parts.reduce((length, part) => length + Math.ceil(part.length / 4) * 4, 0),
  );
  let at = 0;
  for (const part of parts) {
    key.set(part, at);
    at += Math.ceil(part.length / 4) * 4;
  }
  return key;
}

/** Each network as its first address and the first behind it. */
function intervals(prefixes: readonly Prefix[]): KernelElement[] {
  const sorted = prefixes.toSorted(comparePrefixes);
  const elements: KernelElement[] = [];
  const first = sorted[0]?.address;
  // The kernel's tree wants to be told that what lies before the first interval is outside.
  if (first?.some((octet) => octet !== 0)) {
    elements.push({ key: new Uint8Array(first.length), end: true, open: false });
  }
  for (const prefix of sorted) {
    const behind = firstBehind(prefix);
    elements.push({ key: prefix.address, end: false, open: behind === undefined });
    if (behind !== undefined) elements.push({ key: behind, end: true, open: false });
  }
  return elements;
}

/** Undefined where the network ends with the last address there is. */
function firstBehind({ address, length }: Prefix): Uint8Array | undefined {
  const behind = address.slice();
  let carry = 1 << ((8 - length % 8) % 8);
  for (let index = Math.ceil(length / 8) - 1; index >= 0; index--) {
    const sum = behind[index]! + carry;
    behind[index] = sum;
    if (sum < 256) return behind;
    carry = 1;
  }
  return undefined;
}
