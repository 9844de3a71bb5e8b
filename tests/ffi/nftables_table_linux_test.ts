import { assertEquals } from "@std/assert";
import { counter } from "../../ffi/nftables_expression_linux.ts";
import {
  deleteMessage,
  type KernelElement,
  type KernelSet,
  type KernelTable,
  NftMessage,
  replaceMessages,
} from "../../ffi/nftables_table_linux.ts";

const EMPTY: KernelTable = { name: "t", counters: [], sets: [], chains: [] };

const SET: KernelSet = {
  name: "near",
  id: 1,
  anonymous: false,
  interval: false,
  keyType: 7,
  keyLength: 4,
  hostOrder: false,
  elements: [],
};

const types = (table: KernelTable) => replaceMessages(table).map(({ type }) => type);
const { NewTable, DelTable, NewChain, NewRule, NewSet, NewSetElement, NewObject } = NftMessage;

Deno.test("a table is made in place of one that may be there", () => {
  assertEquals(types(EMPTY), [NewTable, DelTable, NewTable]);
  assertEquals(deleteMessage("t").type, DelTable);
});

Deno.test("what rules refer to is made before them", () => {
  const chain = { name: "c", hook: undefined, rules: [[counter()], [counter()]] };
  const element: KernelElement = { key: new Uint8Array(4), end: false, open: false };
  const table = {
    ...EMPTY,
    counters: ["refused"],
    sets: [{ ...SET, elements: [element] }],
    chains: [chain],
  };
  assertEquals(types(table).slice(3), [
    NewObject,
    NewChain,
    NewSet,
    NewSetElement,
    NewRule,
    NewRule,
  ]);
  assertEquals(replaceMessages(table).map(({ part }) => part).slice(3), [
    "counter refused",
    "chain c",
    "set near",
    "set near",
    "rule 1 of chain c",
    "rule 2 of chain c",
  ]);
});

Deno.test("the elements of a large set come in several messages", () => {
  const elements = Array.from({ length: 1001 }, () => ({
    key: new Uint8Array(4),
    end: false,
    open: false,
  }));
  const made = types({ ...EMPTY, sets: [{ ...SET, elements }] });
  assertEquals(made.filter((type) => type === NewSetElement).length, 3);
});
