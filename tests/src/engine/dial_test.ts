/**
 * The proxy refuses, hangs, closes early, talks rubbish: what the local application sees, what is counted,
 * what is logged. Nothing may be left (fake_tunnel.ts sees to that).
 */

import { assert, assertEquals } from "@std/assert";
import type { Counters } from "../../../src/counters.ts";
import { eventually } from "../../support/eventually.ts";
import type { FlowState } from "../../support/fake_local_flow.ts";
import { connecting, type FakeClient, type Script } from "../../support/fake_socks5.ts";
import {
  type Adjust,
  type FakeTunnel,
  quiet,
  type TunnelOptions,
  withTunnel,
} from "../../support/fake_tunnel.ts";

const FAR = "203.0.113.7";

/** One flow through a proxy that follows `script`. */
async function outcome(
  options: TunnelOptions,
  expected: FlowState,
  counter: keyof Counters,
  line?: string,
): Promise<void> {
  await withTunnel(options, async ({ engine, host, logged }) => {
    assertEquals(await host.connect(FAR, 80).opened(), expected);
    assert(engine.counters[counter] > 0, `${counter} counts it`);
    if (line !== undefined) await logged(line);
    await quiet(engine);
  });
}

/** Runs its script for the first connection, and is an orderly proxy from then on. */
function firstOnly(script: Script): Script {
  const orderly = connecting((client) => client.echo());
  let first = true;
  return (client, proxy) => {
    const chosen = first ? script : orderly;
    first = false;
    return chosen(client, proxy);
  };
}

/** One after the other, each echoed. */
async function threeFlows(host: FakeTunnel["host"]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const flow = host.connect(FAR, 80);
    flow.send("in");
    await flow.arrived(2);
    flow.abort();
  }
}

async function silence(client: FakeClient): Promise<void> {
  await client.drain();
}

Deno.test("nobody listens: the network is unreachable", () => {
  const options = { script: silence, listening: false };
  return outcome(options, "network-unreachable", "proxyConnectFailed", "cannot connect");
});

const REPLIES: readonly [number, FlowState][] = [
  [1, "host-unreachable"],
  [2, "prohibited"],
  [3, "network-unreachable"],
  [4, "host-unreachable"],
  [5, "refused"],
  [6, "host-unreachable"],
  [7, "prohibited"],
  [8, "network-unreachable"],
  [9, "host-unreachable"],
  [255, "host-unreachable"],
];

Deno.test("each reply code reaches the application as the error it stands for", async () => {
  let code = 0;
  const script: Script = async (client) => {
    await client.accept();
    await client.reply(code);
  };
  await withTunnel({ script }, async ({ engine, host }) => {
    for (const address of [FAR, "2001:db8::7"]) {
      for (const [reply, expected] of REPLIES) {
        code = reply;
        assertEquals(await host.connect(address, 80).opened(), expected, `${reply} to ${address}`);
      }
    }
    assertEquals(engine.counters.proxyRefused, 2 * REPLIES.length);
    await quiet(engine);
  });
});

const hangs: Record<string, Script> = {
  "before its method": silence,
  "after its method": async (client) => {
    await client.accept();
    await client.drain();
  },
  "in the middle of its method": async (client) => {
    await client.write(5);
    await client.drain();
  },
  "in the middle of its reply": async (client) => {
    await client.accept();
    await client.write(5, 0, 0, 1, 127);
    await client.drain();
  },
};

for (const [name, script] of Object.entries(hangs)) {
  Deno.test(`the proxy hangs ${name}: unreachable in the end`, () => {
    const set: Adjust = ({ timeouts }) => {
      timeouts.proxyConnect = 1_000;
      timeouts.proxyHandshake = 1_000;
    };
    const line = "the handshake was not finished in time";
    return outcome({ script, set }, "host-unreachable", "proxyHandshakeTimeout", line);
  });
}

const closes: Record<string, Script> = {
  "at once": async () => {},
  "after the greeting": async (client) => void await client.greeting(),
  "after its method": async (client) => void await client.accept(),
  "in the middle of its reply": async (client) => {
    await client.accept();
    await client.write(5, 0, 0);
  },
  "with a reset": async (client) => {
    await client.greeting();
    client.reset();
  },
};

for (const [name, script] of Object.entries(closes)) {
  Deno.test(`the proxy closes ${name}: the application sees a reset`, () => {
    return outcome({ script }, "refused", "proxyClosedEarly", "closed the connection during");
  });
}

const rubbish: Record<string, [Script, string]> = {
  "instead of its method": [(client) => client.write(72, 84, 84, 80), "is not SOCKS5"],
  "a method that was not offered": [(client) => client.write(5, 1), "was not offered"],
  "instead of its reply": [async (client) => {
    await client.accept();
    await client.write(4, 90, 0, 0, 0, 0, 0, 0);
    await client.drain();
  }, "is not SOCKS5"],
  "an address type nobody knows": [async (client) => {
    await client.accept();
    await client.write(5, 0, 0, 9, 0, 0, 0, 0, 0, 0);
    await client.drain();
  }, "is not SOCKS5"],
};

for (const [name, [script, line]] of Object.entries(rubbish)) {
  Deno.test(`the proxy sends rubbish, ${name}: the application sees a reset`, () => {
    const reading: Script = async (client, proxy) => {
      await script(client, proxy);
      await client.drain();
    };
    return outcome({ script: reading }, "refused", "proxyProtocolError", line);
  });
}

Deno.test("a password is needed and none is given: prohibited", async () => {
  const script: Script = async (client) => {
    assertEquals(await client.greeting(), [0]);
    await client.write(5, 0xff);
    await client.drain();
  };
  await outcome({ script }, "prohibited", "proxyAuthFailed", "needs a user name and a password");
});

/** Takes one user and one password. */
const authenticating: Script = async (client) => {
  const methods = await client.greeting();
  if (!methods.includes(2)) return await client.write(5, 0xff);
  await client.write(5, 2);
  const [, userLength] = await client.read(2);
  const user = await client.read(userLength!);
  const [passwordLength] = await client.read(1);
  const password = await client.read(passwordLength!);
  const decoder = new TextDecoder();
  if (`${decoder.decode(user)}:${decoder.decode(password)}` !== "anna:secret-1") {
    await client.write(1, 1);
    return;
  }
  await client.write(1, 0);
  await client.request();
  await client.reply(0);
  await client.echo();
};

Deno.test("a wrong password is prohibited, and shows in no log", async () => {
  const set: Adjust = (settings) => {
    settings.proxy = { ...settings.proxy!, user: "anna", password: "secret-2" };
  };
  await withTunnel({ script: authenticating, set }, async ({ engine, host, log, logged }) => {
    assertEquals(await host.connect(FAR, 80).opened(), "prohibited");
    await logged("refused the user name or the password");
    assertEquals(engine.counters.proxyAuthFailed, 1);
    assertEquals(log.filter((text) => text.includes("secret")), []);
  });
});

Deno.test("the right password opens the way, again and again", async () => {
  const set: Adjust = (settings) => {
    settings.proxy = { ...settings.proxy!, user: "anna", password: "secret-1" };
  };
  await withTunnel({ script: authenticating, set }, async ({ engine, host }) => {
    await threeFlows(host);
    // The method is known after the first: from then on everything goes out at once.
    assertEquals(engine.dialer.capability.pipelining, "yes");
    await quiet(engine);
  });
});

Deno.test("a proxy that speaks one byte at a time is understood", async () => {
  const slowly: Script = async (client) => {
    await client.greeting();
    for (const byte of [5, 0]) await client.write(byte);
    await client.request();
    for (const byte of [5, 0, 0, 4, ...new Array(16).fill(1), 0, 80]) await client.write(byte);
    for (const byte of new TextEncoder().encode("hello")) await client.write(byte);
    await client.drain();
  };
  await withTunnel({ script: slowly }, async ({ host }) => {
    const flow = host.connect(FAR, 80);
    await flow.arrived(5);
    assertEquals(flow.text, "hello");
  });
});

Deno.test("data in the same segment as the reply is not lost", async () => {
  const script: Script = async (client) => {
    await client.accept();
    const banner = new TextEncoder().encode("220 at your service\r\n");
    await client.write(5, 0, 0, 1, 0, 0, 0, 0, 0, 0, banner);
    await client.echo();
  };
  for (const earlyAccept of [false, true]) {
    const set: Adjust = (settings) => settings.earlyAccept = earlyAccept;
    await withTunnel({ script, set }, async ({ engine, host }) => {
      const flow = host.connect(FAR, 25);
      await flow.arrived(21);
      flow.send("QUIT");
      await flow.arrived(25);
      assertEquals(flow.text, "220 at your service\r\nQUIT");
      flow.finish();
      assertEquals(await flow.over(), "closed");
      await quiet(engine);
    });
  }
});

/** Takes the greeting with whatever else came along, and forgets the rest. */
async function swallow(client: FakeClient): Promise<boolean> {
  const first = await client.readSome();
  const pipelined = first !== undefined && first.length > 3;
  await client.write(5, 0);
  return pipelined;
}

Deno.test("a proxy that swallows what is pipelined: stepped back, also for the first flow", async () => {
  const script: Script = async (client) => {
    await swallow(client);
    await client.request();
    await client.reply(0);
    await client.echo();
  };
  const set: Adjust = ({ timeouts }) => {
    timeouts.proxyConnect = 2_000;
    timeouts.proxyHandshake = 2_000;
  };
  await withTunnel({ script, set }, async ({ engine, host, proxy }) => {
    await threeFlows(host);
    assertEquals(engine.counters.proxyPipelineSteppedBack, 1);
    assertEquals(engine.counters.proxyConnectTimeout, 0);
    assertEquals(engine.dialer.capability.pipelining, "no");
    assertEquals(proxy.clients.length, 4);
    await quiet(engine);
  });
});

Deno.test("a busy proxy, which has answered others meanwhile, may take its time", async () => {
  const chosen = Promise.withResolvers<void>();
  const patient = Promise.withResolvers<void>();
  const held: Script = async (client) => {
    await client.accept();
    chosen.resolve();
    await patient.promise;
    await client.reply(0);
    await client.echo();
  };
  await withTunnel({ script: firstOnly(held) }, async ({ engine, host, proxy }) => {
    const slow = host.connect(FAR, 80);
    await chosen.promise;
    const quick = host.connect(FAR, 81);
    assertEquals(await quick.opened(), "open");
    // Longer than a proxy gets that may have lost the request.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    patient.resolve();
    assertEquals(await slow.opened(), "open");
    assertEquals([engine.counters.proxyHandshakeTimeout, proxy.clients.length], [0, 2]);
    for (const flow of [slow, quick]) flow.abort();
    await quiet(engine);
  });
});

Deno.test("a proxy that closes on pipelined bytes: stepped back at once", async () => {
  const script: Script = async (client) => {
    if (await swallow(client)) return;
    await client.request();
    await client.reply(0);
    await client.echo();
  };
  await withTunnel({ script }, async ({ engine, host }) => {
    await threeFlows(host);
    assertEquals(engine.counters.proxyPipelineSteppedBack, 1);
    assertEquals(engine.dialer.capability.pipelining, "no");
    await quiet(engine);
  });
});

Deno.test("one early close is not the proxy's last word: the same flow is tried again", async () => {
  await withTunnel({ script: firstOnly(async () => {}) }, async ({ engine, host, log }) => {
    const flow = host.connect(FAR, 80);
    flow.send("in");
    await flow.arrived(2);
    assertEquals(engine.counters.proxyClosedEarly, 1);
    assertEquals(log.filter((line) => line.includes("warning")), []);
  });
});

Deno.test("the proxy comes back: flows go through again, and the log says so", async () => {
  const script = connecting((client) => client.echo());
  await withTunnel({ script }, async ({ engine, host, proxy, log, logged }) => {
    await proxy.stop();
    for (let round = 0; round < 5; round++) {
      assertEquals(await host.connect(FAR, 80).opened(), "network-unreachable");
    }
    assertEquals(engine.counters.proxyConnectFailed, 5);
    assertEquals(log.filter((line) => line.includes("cannot connect")).length, 1);
    proxy.start();
    const flow = host.connect(FAR, 80);
    flow.send("in");
    await flow.arrived(2);
    await logged("reachable again");
    flow.abort();
    await quiet(engine);
  });
});

Deno.test("a slow proxy: the SYN waits as long as the far end takes", async () => {
  let answer: () => void = () => {};
  const asked = new Promise<void>((resolve) => answer = resolve);
  const script: Script = async (client) => {
    const { port } = await client.accept();
    if (port === 80) await client.until(asked);
    await client.reply(0);
    await client.echo();
  };
  await withTunnel({ script }, async ({ engine, host, proxy }) => {
    const flow = host.connect(FAR, 80);
    await eventually("the proxy is asked", () => proxy.clients.length > 0 || undefined);
    assertEquals(await host.connect(FAR, 81).opened(), "open");
    assertEquals(flow.state, "opening");
    await eventually("one of them waits", () => {
      return engine.stack.connections.halfOpen === 1 || undefined;
    });
    answer();
    flow.send("in");
    await flow.arrived(2);
  });
});
