/**
 * A table of nftables as the kernel takes it, and the messages that make it. Pure: a table in, messages
 * out, each with the name of the part that it makes.
 */

import { set32le } from "../src/bytes.ts";
import {
  type Attribute,
  attribute,
  attribute64,
  textAttribute,
} from "./netfilter_message_linux.ts";
import type { Expression } from "./nftables_expression_linux.ts";

/** Both IP versions. */
export const NFPROTO_INET = 1;
export const NFNL_SUBSYS_NFTABLES = 10;

export const NftMessage = {
  NewTable: 0,
  GetTable: 1,
  DelTable: 2,
  NewChain: 3,
  NewRule: 6,
  NewSet: 9,
  NewSetElement: 12,
  NewObject: 18,
  GetObject: 19,
} as const;

export const OBJECT_COUNTER = 1;

const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const POLICY = { drop: 0, accept: 1 } as const;
const SET_ANONYMOUS_CONSTANT = 3;
const SET_INTERVAL = 4;
const ELEMENT_INTERVAL_END = 1;
/** Notes of `nft` to itself; without them it lists numbers in the wrong order and open ends as none. */
const NOTE_KEY_ORDER = 0;
const NOTE_FLAGS = 1;
const NOTE_HOST_ORDER = 1;
const NOTE_OPEN_INTERVAL = 1;
/** An attribute's length has sixteen bits: this many elements of the largest key fit. */
const ELEMENTS_PER_MESSAGE = 500;

/** `enum nf_inet_hooks`. */
export const Hook = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

export interface KernelHook {
  readonly type: "filter" | "route" | "nat";
  readonly hook: keyof typeof Hook;
  readonly priority: number;
  readonly policy: keyof typeof POLICY;
}

export interface KernelChain {
  readonly name: string;
  /** Where packets enter it; chains without one are jumped to. */
  readonly hook: KernelHook | undefined;
  readonly rules: readonly (readonly Expression[])[];
}

export interface KernelElement {
  readonly key: Uint8Array;
  /** In an interval set: the first value behind an interval, not the first of one. */
  readonly end: boolean;
  /** In an interval set: begins an interval that goes on to the last value there is. */
  readonly open: boolean;
}

export interface KernelSet {
  readonly name: string;
  /** By which rules of the same batch find it. */
  readonly id: number;
  /** Belongs to the one rule that names it. */
  readonly anonymous: boolean;
  readonly interval: boolean;
  /** What `nft` lists the keys as. */
  readonly keyType: number;
  readonly keyLength: number;
  /** Keys are numbers in host order. */
  readonly hostOrder: boolean;
  readonly elements: readonly KernelElement[];
}

export interface KernelTable {
  readonly name: string;
  readonly counters: readonly string[];
  readonly sets: readonly KernelSet[];
  readonly chains: readonly KernelChain[];
}

/** One message of a batch, and the part that its refusal is about. */
export interface TableMessage {
  readonly part: string;
  readonly type: number;
  readonly flags: number;
  readonly attributes: readonly Attribute[];
}

/** The messages that make the table, in place of one of the same name. */
export function replaceMessages(table: KernelTable): TableMessage[] {
  return [
    // Made first, so that there is one to delete: its absence would fail the batch.
    newTable(table.name),
    deleteMessage(table.name),
    newTable(table.name),
    ...table.counters.map((counter) => counterMessage(table.name, counter)),
    // Before any rule: a rule may jump to a chain that comes later.
    ...table.chains.map((chain) => chainMessage(table.name, chain)),
    ...table.sets.flatMap((set) => setMessages(table.name, set)),
    ...table.chains.flatMap((chain) => ruleMessages(table.name, chain)),
  ];
}

export function deleteMessage(table: string): TableMessage {
  return {
    part: `table ${table}`,
    type: NftMessage.DelTable,
    flags: 0,
    attributes: [textAttribute(1, table)],
  };
}

function newTable(name: string): TableMessage {
  return {
    part: `table ${name}`,
    type: NftMessage.NewTable,
    flags: NLM_F_CREATE,
    attributes: [textAttribute(1, name), attribute(2, 0)],
  };
}

function counterMessage(table: string, name: string): TableMessage {
  return {
    part: `counter ${name}`,
    type: NftMessage.NewObject,
    flags: NLM_F_CREATE,
    attributes: [
      textAttribute(1, table),
      textAttribute(2, name),
      attribute(3, OBJECT_COUNTER),
      attribute(4, [attribute64(1, 0), attribute64(2, 0)]),
    ],
  };
}

function chainMessage(table: string, { name, hook }: KernelChain): TableMessage {
  return {
    part: `chain ${name}`,
    type: NftMessage.NewChain,
    flags: NLM_F_CREATE,
    attributes: [
      textAttribute(1, table),
      textAttribute(3, name),
      ...hook === undefined ? [] : hookAttributes(hook),
    ],
  };
}

function hookAttributes({ type, hook, priority, policy }: KernelHook): Attribute[] {
  return [
    attribute(4, [attribute(1, Hook[hook]), attribute(2, priority)]),
    attribute(5, POLICY[policy]),
    textAttribute(7, type),
  ];
}

function setMessages(table: string, set: KernelSet): TableMessage[] {
  const part = set.anonymous ? "unnamed set" : `set ${set.name}`;
  const made: TableMessage = {
    part,
    type: NftMessage.NewSet,
    flags: NLM_F_CREATE,
    attributes: [
      textAttribute(1, table),
      textAttribute(2, set.name),
      attribute(
        3,
        (set.anonymous ? SET_ANONYMOUS_CONSTANT : 0) | (set.interval ? SET_INTERVAL : 0),
      ),
      attribute(4, set.keyType),
      attribute(5, set.keyLength),
      // An unnamed set does not grow: told its size, the kernel chooses the leaner kind.
      ...set.anonymous ? [attribute(9, [attribute(1, set.elements.length)])] : [],
      attribute(10, set.id),
      ...set.hostOrder ? [attribute(13, note(NOTE_KEY_ORDER, NOTE_HOST_ORDER))] : [],
    ],
  };
  return [made, ...elementMessages(table, set, part)];
}

function elementMessages(table: string, set: KernelSet, part: string): TableMessage[] {
  const messages: TableMessage[] = [];
  for (let at = 0; at < set.elements.length; at += ELEMENTS_PER_MESSAGE) {
    const elements = set.elements.slice(at, at + ELEMENTS_PER_MESSAGE).map(elementAttribute);
    messages.push({
      part,
      type: NftMessage.NewSetElement,
      flags: NLM_F_CREATE,
      attributes: [
        textAttribute(1, table),
        textAttribute(2, set.name),
        attribute(4, set.id),
        attribute(3, elements),
      ],
    });
  }
  return messages;
}

function elementAttribute({ key, end, open }: KernelElement): Attribute {
  return attribute(1, [
    attribute(1, [attribute(1, key)]),
    ...end ? [attribute(3, ELEMENT_INTERVAL_END)] : [],
    ...open ? [attribute(6, note(NOTE_FLAGS, NOTE_OPEN_INTERVAL))] : [],
  ]);
}

/** Type, length and value, the number in host order. */
function note(type: number, value: number): Uint8Array {
  const octets = new Uint8Array(6);
  octets[0] = type;
  octets[1] = 4;
  set32le(octets, 2, value);
  return octets;
}

function ruleMessages(table: string, chain: KernelChain): TableMessage[] {
  return chain.rules.map((expressions, index) => ({
    part: `rule ${index + 1} of chain ${chain.name}`,
    type: NftMessage.NewRule,
    flags: NLM_F_CREATE | NLM_F_APPEND,
    attributes: [
      textAttribute(1, table),
      textAttribute(2, chain.name),
      attribute(
        4,
        expressions.map(({ name, attributes }) =>
          attribute(1, [textAttribute(1, name), attribute(2, attributes)])
        ),
      ),
    ],
  }));
}
