import { assertEquals, assertThrows } from "@std/assert";
import { Errno } from "../../ffi/libc.ts";
import {
  counter,
  immediate,
  lookup,
  Meta,
  metaLoad,
  metaStore,
  namedCounter,
  Verdict,
  verdict,
} from "../../ffi/nftables_expression_linux.ts";
import { NftablesError, NftablesSocket } from "../../ffi/nftables_linux.ts";
import type { KernelChain, KernelTable } from "../../ffi/nftables_table_linux.ts";
import { inNetNamespace, runHere } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";

const EMPTY: KernelTable = { name: "ztun_test", counters: [], sets: [], chains: [] };

function outputChain(...rules: KernelChain["rules"][number][]): KernelChain {
  const hook = { type: "filter", hook: "output", priority: -5, policy: "accept" } as const;
  return { name: "output", hook, rules };
}

function withSocket(body: (nftables: NftablesSocket) => void): void {
  inNetNamespace(() => {
    const nftables = new NftablesSocket();
    try {
      body(nftables);
    } finally {
      nftables.close();
      nftables.close();
    }
  });
}

const list = () => runHere("nft", "list", "ruleset");

rootTest("a table is made, replaced and deleted", () =>
  withSocket((nftables) => {
    assertEquals(nftables.tableNames(), []);
    nftables.replaceTables([{ ...EMPTY, chains: [outputChain([verdict(Verdict.Accept)])] }]);
    assertEquals(list().includes("accept\n"), true);
    nftables.replaceTables([{ ...EMPTY, chains: [outputChain([verdict(Verdict.Drop)])] }]);
    assertEquals(list().includes("accept\n"), false);
    assertEquals(list().includes("drop\n"), true);
    assertEquals(nftables.tableNames(), ["ztun_test"]);
    assertEquals(nftables.deleteTable("ztun_test"), true);
    assertEquals(nftables.deleteTable("ztun_test"), false);
    assertEquals(list(), "");
  }));

rootTest(
  "tables of others stay as they are and are listed by name",
  () =>
    withSocket((nftables) => {
      runHere("nft", "add table inet theirs; add chain inet theirs c; add table ip other");
      const before = list();
      nftables.replaceTables([EMPTY, { ...EMPTY, name: "second" }]);
      assertEquals(nftables.tableNames().sort(), ["second", "theirs", "ztun_test"]);
      nftables.deleteTable("ztun_test");
      nftables.deleteTable("second");
      assertEquals(list(), before);
    }),
);

rootTest("a refused part is named, and nothing at all is changed", () =>
  withSocket((nftables) => {
    nftables.replaceTables([{ ...EMPTY, chains: [outputChain([verdict(Verdict.Accept)])] }]);
    const before = list();
    const lost = [lookup("absent", 9, 0, false)];
    const error = assertThrows(
      () =>
        nftables.replaceTables([
          { ...EMPTY, name: "first" },
          { ...EMPTY, chains: [outputChain([verdict(Verdict.Drop)], lost, lost)] },
        ]),
      NftablesError,
      "rule 2 of chain output, failed: ENOENT",
    );
    assertEquals(error.code, Errno.ENOENT);
    assertEquals(error.part, "rule 2 of chain output");
    assertEquals(list(), before);
    const long = { ...EMPTY, name: "x".repeat(300) };
    assertThrows(() => nftables.replaceTables([long]), NftablesError, "xxx");
  }));

rootTest("a refusal of a set names it", () =>
  withSocket((nftables) => {
    const set = {
      name: "near",
      id: 1,
      anonymous: false,
      interval: false,
      keyType: 7,
      keyLength: 4096,
      hostOrder: false,
      elements: [],
    };
    const refused = () => nftables.replaceTables([{ ...EMPTY, sets: [set] }]);
    assertThrows(refused, NftablesError, "nftables, set near, failed: EINVAL");
    assertEquals(nftables.tableNames(), []);
  }));

rootTest("a large table goes in at once", () =>
  withSocket((nftables) => {
    const rule = [
      metaLoad(Meta.Mark, 0),
      immediate(0, Uint8Array.of(1, 0, 0, 0)),
      metaStore(Meta.Mark, 0),
      counter(),
    ];
    nftables.replaceTables([{ ...EMPTY, chains: [outputChain(...Array(5000).fill(rule))] }]);
    assertEquals(list().split("meta mark set").length - 1, 5000);
  }));

rootTest("tables and counters are read to the end, however many", () =>
  withSocket((nftables) => {
    const counters = Array.from({ length: 1200 }, (_, index) => `count_${index}`);
    const tables = Array.from({ length: 300 }, (_, index) => ({ ...EMPTY, name: `t${index}` }));
    nftables.replaceTables([...tables, { ...EMPTY, counters }]);
    assertEquals(nftables.tableNames().length, 301);
    assertEquals([...nftables.counters("ztun_test").keys()].sort(), counters.sort());
    assertEquals(nftables.counters("t7").size, 0);
    assertEquals(nftables.counters("absent").size, 0);
  }));

rootTest("counters count packets and bytes", () =>
  withSocket((nftables) => {
    runHere("ip", "link", "set", "lo", "up");
    nftables.replaceTables([{
      ...EMPTY,
      counters: ["all", "none"],
      chains: [outputChain([namedCounter("all")])],
    }]);
    runHere("bash", "-c", "echo -n 12345 > /dev/udp/127.0.0.1/9 || true");
    const { packets, bytes } = nftables.counters("ztun_test").get("all")!;
    // The datagram of 33 octets, and one of 61 that says that nobody has that port.
    assertEquals([packets, bytes], [2, 33 + 61]);
    assertEquals(nftables.counters("ztun_test").get("none"), { packets: 0, bytes: 0 });
  }));
