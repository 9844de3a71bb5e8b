import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { formatAddress } from "../../../src/addr/address.ts";
import { exempt, type Exempted, type ExemptOptions } from "../../../src/capture/exempt.ts";
import { defaultSettings } from "../../../src/config/settings.ts";
import { UserError } from "../../../src/errors.ts";
import { NOBODY } from "../../../src/host/firewall/senders.ts";
import { KeptLog } from "../../support/fake_host.ts";
import { FakeOwner } from "../../support/fake_local_proxy.ts";
import { address } from "../../support/route_rig.ts";

const PORT = 1080;
const HIDDEN = { kind: "hidden", uid: 33 } as const;

/** The proxy at these addresses of the host, and where somebody listens. */
class Rig {
  readonly owner = new FakeOwner();
  readonly log = new KeptLog();
  readonly settings = defaultSettings();
  readonly #local: readonly string[];
  readonly #listening: readonly string[];

  constructor(local: readonly string[] = ["127.0.0.1"], listening = local) {
    this.#local = local;
    this.#listening = listening;
  }

  exempt(rest: Partial<ExemptOptions> = {}): Exempted {
    const exempted = exempt({
      settings: this.settings,
      device: "test0",
      addresses: [],
      proxies: { local: this.#local.map(address) },
      port: PORT,
      dry: false,
      ownUsers: [0],
      record: () => {},
      log: this.log,
      ...rest,
    }, {
      listens: (end) => end.port === PORT && this.#listening.includes(formatAddress(end.address)),
      open: (options) => this.owner.open(options),
    });
    exempted.close();
    return exempted;
  }
}

Deno.test("exempt: a proxy on another host is nobody here", () => {
  const { local, outside, said } = new Rig([]).exempt();
  assertEquals([local, outside, said], [undefined, NOBODY, ""]);
});

Deno.test("exempt: a proxy on this host stays outside, and it is said why", () => {
  const rig = new Rig();
  const { local, outside, said } = rig.exempt();
  assertEquals([outside.users, rig.owner.times], [[{ from: 33, to: 33 }], 1]);
  assertEquals(said, "The proxy's own traffic stays outside: it has the user proxy");
  assertEquals([rig.log.lines, rig.log.warnings], [[said], []]);
  assert(local !== undefined);
});

Deno.test("exempt: of several addresses it is the one at which somebody listens", () => {
  const end = (rig: Rig) => formatAddress(rig.exempt().local!.end.address);
  assertEquals(end(new Rig(["::1", "127.0.0.1"], ["127.0.0.1"])), "127.0.0.1");
  assertEquals(end(new Rig(["::1", "127.0.0.1"])), "::1");
  assertEquals(end(new Rig(["::1", "127.0.0.1"], [])), "::1");
});

Deno.test("exempt: a dry run changes nothing, and says what would be", () => {
  const rig = new Rig();
  const { outside, said } = rig.exempt({ dry: true });
  assertEquals([outside, rig.owner.times, said], [NOBODY, 0, "it has the user proxy"]);
});

for (const dry of [false, true]) {
  const how = dry ? ", in a dry run" : "";
  Deno.test(`exempt: a proxy that is not there yet may come later${how}`, () => {
    const rig = new Rig();
    rig.owner.inode = 0;
    const { outside, said } = rig.exempt({ dry });
    assertEquals([outside, said], [NOBODY, "Nobody listens at 127.0.0.1:1080"]);
    assertEquals(rig.log.warnings, dry ? [] : [said]);
  });

  Deno.test(`exempt: what would run in a circle does not start, unless it is bypassed${how}`, () => {
    const rig = new Rig();
    rig.owner.answer = HIDDEN;
    const error = assertThrows(() => rig.exempt({ dry }), UserError, "No process that can be seen");
    assertStringIncludes(error.hint!, "--bypass ADDRESS");
    rig.settings.capture.bypass = ["198.51.100.0/24"];
    assertEquals(rig.exempt({ dry }).outside, NOBODY);
  });
}
