import { assertEquals, assertThrows } from "@std/assert";
import { type SenderSettings, sendersOf } from "../../../src/capture/senders.ts";
import { UserError } from "../../../src/errors.ts";
import { NOBODY } from "../../../src/host/firewall/senders.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\n" +
  "www-data:x:33:33::/var/www:/usr/sbin/nologin\n";

const NOTHING: SenderSettings = {
  onlyUsers: [],
  exceptUsers: [],
  onlyCgroups: [],
  exceptCgroups: [],
  onlyInterfaces: [],
  exceptInterfaces: [],
};

const GROUPS = [
  "system.slice/ssh.service",
  "user.slice/user-1000.slice/app.slice/sync.service",
  "user.slice/user-1001.slice/app.slice/sync.service",
  "lxc/box",
];

/** A directory that looks like a mount of control groups. */
class Host implements Disposable {
  readonly mount = Deno.makeTempDirSync();

  constructor() {
    for (const path of GROUPS) Deno.mkdirSync(`${this.mount}/${path}`, { recursive: true });
  }

  of(settings: Partial<SenderSettings>, mounts = `cgroup2 ${this.mount} cgroup2 rw 0 0\n`) {
    return sendersOf({ ...NOTHING, ...settings }, { passwd: PASSWD, mounts });
  }

  cgroup(path: string) {
    const id = Deno.statSync(`${this.mount}/${path}`).ino;
    return { path, level: path.split("/").length, id };
  }

  /** What is said of a group that cannot be matched: the message, and the hint. */
  refusal(settings: Partial<SenderSettings>, mounts?: string): [string, string | undefined] {
    const error = assertThrows(() => this.of(settings, mounts), UserError);
    return [error.message, error.hint];
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.mount, { recursive: true });
  }
}

Deno.test("without settings everything goes into the tunnel", () => {
  using host = new Host();
  assertEquals(host.of({}), {
    outside: NOBODY,
    inside: undefined,
    forwarded: { outside: [], inside: undefined },
  });
});

Deno.test("users are named by name, number or range", () => {
  using host = new Host();
  const { outside, inside } = host.of({
    exceptUsers: ["www-data", "toor"],
    onlyUsers: ["1000", "2000-2009"],
  });
  assertEquals(outside.users, [{ from: 33, to: 33 }, { from: 0, to: 0 }]);
  assertEquals(inside?.users, [{ from: 1000, to: 1000 }, { from: 2000, to: 2009 }]);
});

Deno.test("a user that is none is refused, with a command", () => {
  using host = new Host();
  assertEquals(host.refusal({ exceptUsers: ["alice"] }), [
    'There is no user "alice" in /etc/passwd',
    "Of one that is kept elsewhere, take the number: `id -u 'alice'`",
  ]);
  for (const text of ["9-5", "4294967295"]) {
    assertEquals(host.refusal({ onlyUsers: [text] })[0], `"${text}" are no numbers of users`);
  }
});

Deno.test("a control group is named by its path, with and without the mount, or by its name", () => {
  using host = new Host();
  const ssh = host.cgroup("system.slice/ssh.service");
  const ways = [ssh.path, `/${ssh.path}`, `${host.mount}/${ssh.path}/`, "ssh.service"];
  assertEquals(host.of({ exceptCgroups: ways }).outside.cgroups, ways.map(() => ssh));
  assertEquals(host.of({ onlyCgroups: ["box", "lxc"] }).inside, {
    users: [],
    cgroups: [host.cgroup("lxc/box"), host.cgroup("lxc")],
  });
});

Deno.test("a name that several groups have is refused, with their paths", () => {
  using host = new Host();
  assertEquals(host.refusal({ exceptCgroups: ["sync.service"] }), [
    'There are 2 control groups "sync.service"',
    "Name one by its path: `/user.slice/user-1000.slice/app.slice/sync.service` or " +
    "`/user.slice/user-1001.slice/app.slice/sync.service`",
  ]);
});

Deno.test("a group that does not exist yet is refused, with how to start it", () => {
  using host = new Host();
  const missing = (name: string) =>
    `There is no control group "${name}", and one that does not exist yet cannot be matched`;
  assertEquals(host.refusal({ exceptCgroups: ["tor.service"] }), [
    missing("tor.service"),
    "Start it first: `sudo systemctl start 'tor.service'`",
  ]);
  assertEquals(host.refusal({ exceptCgroups: ["lxc/other"] }), [
    missing("lxc/other"),
    `See which ones there are: \`find ${host.mount} -type d\``,
  ]);
  assertEquals(host.refusal({ exceptCgroups: ["../etc"] })[0], missing("../etc"));
});

Deno.test("the root of all groups, and a host without version 2, are refused", () => {
  using host = new Host();
  for (const path of ["/", host.mount]) {
    const [message] = host.refusal({ onlyCgroups: [path] });
    assertEquals(message, `Cannot match the control group "${path}": every program is in it`);
  }
  const [message] = host.refusal({ onlyCgroups: ["lxc"] }, "cgroup /sys/fs/cgroup/pids cgroup rw");
  assertEquals(message, 'Cannot match the control group "lxc": there is no cgroup v2 here');
});

Deno.test("interfaces are about what is forwarded, and say nothing of programs", () => {
  using host = new Host();
  const { inside, forwarded } = host.of({
    onlyInterfaces: ["docker0"],
    exceptInterfaces: ["br-*"],
  });
  assertEquals(inside, undefined);
  assertEquals(forwarded, { outside: ["br-*"], inside: ["docker0"] });
  assertEquals(host.of({ onlyUsers: ["33"] }).forwarded.inside, undefined);
});
