import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openTun } from "../../../ffi/tun_linux.ts";
import { execLabCommand, type ExecLabOptions } from "../../support/exec_lab.ts";
import { inNetNamespace } from "../../support/net_namespace.ts";
import { type Finished, run, Running, type RunOptions } from "../../support/process.ts";
import { rootTest } from "../../support/root.ts";

/** Runs `body` with a directory for the lab, which is gone afterwards. */
async function withDirectory<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await Deno.makeTempDir();
  await Deno.chmod(directory, 0o755);
  try {
    return await body(directory);
  } finally {
    await Deno.remove(directory);
  }
}

function exec(
  options: ExecLabOptions,
  args: readonly string[],
  runOptions: RunOptions = {},
): Promise<Finished> {
  return withDirectory((directory) => run(execLabCommand(directory, args, options), runOptions));
}

function shell(script: string): string[] {
  return ["--", "sh", "-c", script];
}

/**
 * Closes what this process hands on before the program starts. Test files run side by side in one process,
 * and one of them may have a descriptor open just now that is meant for a child of its own.
 */
const WITHOUT_INHERITED = [
  "bash",
  "-c",
  'for f in /proc/self/fd/*; do n=${f##*/}; [ "$n" -gt 2 ] && eval "exec $n>&-"; done; exec "$@"',
  "bash",
];

for (const user of ["root", "ordinary"] as const) {
  rootTest(`exec as ${user}: the network is the tunnel and nothing else`, async () => {
    const script = `ip -o link | cut -d: -f2 | tr -d '\\n '; echo
      ip route get 203.0.113.9; ip -6 route get 2001:db8::9
      cat /proc/sys/net/ipv6/conf/ztun0/accept_ra; ip -6 -o addr show dev ztun0 scope link`;
    const { code, stdout, stderr } = await exec({ user }, shell(script));
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.split("\n");
    assertEquals(lines[0], "loztun0");
    assertStringIncludes(stdout, "203.0.113.9 dev ztun0 src 198.18.0.1");
    assertStringIncludes(stdout, "2001:db8::9 from :: dev ztun0");
    assert(lines.includes("0"));
    assert(!stdout.includes("fe80"), stdout);
  });

  rootTest(`exec as ${user}: ping and loopback answer, IPv4 and IPv6`, async () => {
    const script = ["203.0.113.9", "2001:db8::9", "127.0.0.1", "::1"]
      .map((address) => `ping -n -c 3 -i 0.2 -W 5 ${address}`).join(" && ");
    const { code, stdout } = await exec({ user }, shell(script));
    assertEquals(code, 0, stdout);
    assertEquals(stdout.match(/3 received, 0% packet loss/g)?.length, 4);
  });

  rootTest(
    `exec as ${user}: the command is itself, with its own powers and descriptors`,
    async () => {
      const script = `id -u; grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status
      ls /proc/self/fd | tr '\\n' ' '; echo; cat; echo to stderr >&2; exit 42`;
      const options = { user, under: WITHOUT_INHERITED };
      const { code, stdout, stderr } = await exec(options, shell(script), { input: "from stdin" });
      assertEquals([code, stderr], [42, "to stderr\n"]);
      const id = user === "root" ? "0" : "64123";
      assertEquals(stdout.split("\n")[0], id);
      const own = user === "root" ? await Deno.readTextFile("/proc/self/status") : "";
      const powers = /^CapEff:\s*(\S+)$/m.exec(own)?.[1] ?? "0".repeat(16);
      assertStringIncludes(stdout, `CapInh:\t${"0".repeat(16)}`);
      assertStringIncludes(stdout, `CapEff:\t${powers}`);
      assertStringIncludes(stdout, `CapAmb:\t${"0".repeat(16)}`);
      // The fourth is the directory that `ls` reads.
      assertStringIncludes(stdout, "\n0 1 2 3 \nfrom stdin");
    },
  );

  rootTest(`exec as ${user}: what cannot be run ends as in a shell`, async () => {
    const missing = await exec({ user }, ["--", "no-such-program"]);
    assertEquals([missing.code, missing.stdout], [127, ""]);
    assertStringIncludes(missing.stderr, 'error: Cannot run "no-such-program"');
    assertEquals(missing.stderr.match(/error:/g)?.length, 1);
    const directory = await exec({ user }, ["--", "/etc"]);
    assertEquals(directory.code, 126);
    assertStringIncludes(directory.stderr, "EACCES");
  });

  rootTest(`exec as ${user}: a command that a signal ends gives 128 and its number`, async () => {
    const { code } = await exec({ user }, shell("kill -KILL $$"));
    assertEquals(code, 137);
    const pipe = await exec({ user }, shell("kill -PIPE $$"));
    assertEquals(pipe.code, 141);
  });

  for (
    const [signal, name] of [["SIGTERM", "TERM"], ["SIGINT", "INT"], ["SIGUSR1", "USR1"]] as const
  ) {
    rootTest(
      `exec as ${user}: ${signal} reaches the command`,
      () =>
        withDirectory(async (directory) => {
          const script =
            `trap 'echo got; exit 9' ${name}; echo waiting; while :; do sleep 0.05; done`;
          await using program = new Running(
            "exec",
            execLabCommand(directory, shell(script), { user }),
          );
          await program.logged(/waiting/);
          program.signal(signal);
          assertEquals((await program.ended).code, 9);
          assertStringIncludes(program.log, "got");
        }),
    );
  }
}

rootTest(
  "exec: Ctrl-C in a terminal is the command's own, once",
  () =>
    withDirectory(async (directory) => {
      const script =
        "trap 'echo got' INT; trap 'exit 9' QUIT; echo waiting; while :; do sleep 0.05; done";
      const command = execLabCommand(directory, shell(script), { user: "ordinary" });
      const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
      // `script` has $SHELL run it. Without `exec` some shells stay in between, and the signals that the
      // terminal sends to everybody end them: dash does, bash does not.
      const line = ["exec", ...quoted].join(" ");
      const terminal = ["script", "--quiet", "--return", "--command", line, "/dev/null"];
      await using program = new Running("exec", terminal, { stdin: "piped" });
      await program.logged(/waiting/);
      await program.write("\x03");
      await program.logged(/got\r\n/);
      await program.write("\x1c");
      const { code } = await program.ended;
      assertEquals(code, 9, program.log);
      assertEquals(program.log.match(/got\r\n/g)?.length, 1);
      await program.closeInput();
    }),
);

rootTest(
  "exec: a signal that comes after the command's end is not ztun's, and a second one hurries it",
  () =>
    withDirectory(async (directory) => {
      const args = ["--lingering", ...shell("exit 9")];
      const command = execLabCommand(directory, args, { user: "root" });
      await using program = new Running("exec", command);
      await program.logged(/stopping/);
      // Two kinds: signals of one kind may arrive as one.
      program.signal("SIGQUIT");
      program.signal("SIGTERM");
      assertEquals((await program.ended).code, 9, program.log);
    }),
);

rootTest("exec: passwords in the environment stay outside", async () => {
  const env = { ZTUN_PASSWORD: "hush", ZTUN_PROXY: "socks5://a:hush@b:1", KEPT: "kept" };
  const { stdout } = await exec({ user: "ordinary" }, shell("env"), { env });
  assertStringIncludes(stdout, "KEPT=kept");
  assert(!stdout.includes("hush") && !stdout.includes("ZTUN_P"), stdout);
});

rootTest("exec: name servers are those asked for, search lines the host's", async () => {
  const host = "nameserver 127.0.0.53\\nsearch example.net\\noptions edns0\\n";
  const prepare = `printf '${host}' > $lab/conf; mount --bind $lab/conf /etc/resolv.conf`;
  const print = ["--", "cat", "/etc/resolv.conf"];
  const asked = await exec({ user: "ordinary", prepare }, ["--dns", "9.9.9.9", ...print]);
  assertEquals(asked.stdout, "nameserver 9.9.9.9\nsearch example.net\noptions edns0\n");
  const fallback = await exec({ user: "ordinary", prepare }, print);
  assertStringIncludes(fallback.stdout, "nameserver 1.1.1.1\nnameserver 2606:4700:4700::1111\n");
});

rootTest("exec: resolver daemons of the host are out of reach, behind links too", async () => {
  // The layout of a host with systemd-resolved, in this mount namespace only.
  const prepare = `cp -a /etc $lab/etc
    mount -t tmpfs tmpfs /run
    mkdir -p /run/systemd/resolve /run/nscd
    touch /run/systemd/resolve/io.systemd.Resolve /run/nscd/socket
    echo nameserver 127.0.0.53 > /run/systemd/resolve/stub-resolv.conf
    ln -sf ../run/systemd/resolve/stub-resolv.conf $lab/etc/resolv.conf
    mount --bind $lab/etc /etc`;
  for (const user of ["root", "ordinary"] as const) {
    const script = "cat /etc/resolv.conf; ls /run/systemd/resolve /run/nscd";
    const { code, stdout, stderr } = await exec(
      { user, prepare },
      ["--dns", "9.9.9.9", ...shell(script)],
    );
    assertEquals([code, stderr], [0, ""]);
    assertEquals(
      stdout,
      "nameserver 9.9.9.9\n/run/nscd:\n\n/run/systemd/resolve:\nstub-resolv.conf\n",
    );
  }
});

rootTest("exec: one family alone gets one default route", async () => {
  const args = ["--address", "192.0.2.1/32", ...shell("ip route; echo; ip -6 route")];
  const { stdout } = await exec({ user: "ordinary" }, args);
  assertEquals(stdout, "default dev ztun0 proto static scope link \n\n");
});

rootTest("exec: each command of the set-up can be shown", async () => {
  const { stderr } = await exec({ user: "ordinary" }, ["--verbose", "--", "true"]);
  const lines = stderr.trim().split("\n");
  assertEquals(lines[0], "[#] ip tuntap add dev ztun0 mode tun vnet_hdr");
  assert(lines.includes("[#] ip route add ::/0 dev ztun0 proto static"), stderr);
});

rootTest("exec: the engine outside gets the offloads that a device of its own has", async () => {
  const own = inNetNamespace(() => {
    const device = openTun({ name: "", offload: "auto" });
    device.close();
    return device.offload;
  });
  const { stderr } = await exec({ user: "ordinary" }, ["--verbose", "--", "true"]);
  assertStringIncludes(stderr, `offload: ${JSON.stringify(own)}\n`);
});

rootTest("exec: a closed /dev/net/tun is told with the command that opens it", async () => {
  const { code, stdout, stderr } = await exec(
    { user: "ordinary", tunMode: "0600" },
    ["--", "echo", "ran"],
  );
  assertEquals([code, stdout], [4, ""]);
  assertEquals(
    stderr,
    "error: Cannot open a TUN device\n  Caused by: open /dev/net/tun failed: EACCES\n\n" +
      "hint: `sudo chmod 0666 /dev/net/tun`\n",
  );
});

rootTest("exec: forbidden user namespaces are told with the setting that allows them", async () => {
  // The limit of a nested user namespace is set, not the machine's.
  const forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
  const under = [
    ...["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", forbid, "sh"],
  ];
  const { code, stderr } = await exec({ user: "ordinary", under }, ["--", "true"]);
  assertEquals(code, 4);
  assertStringIncludes(stderr, "error: Cannot make a network namespace for the command");
  assertStringIncludes(stderr, "hint: `sudo sysctl -w user.max_user_namespaces=15000`");
  assertEquals(stderr.match(/unshare:/g)?.length, 1, stderr);
});

rootTest("exec: the namespace ends with the command, and no descriptor is left", async () => {
  const { stdout, stderr } = await exec(
    { user: "root" },
    ["--twice", ...shell("readlink /proc/self/ns/net")],
  );
  const spaces = stdout.trim().split("\n");
  assertEquals(spaces.length, 2);
  const all = await run(["sh", "-c", "readlink /proc/[0-9]*/ns/net; true"]);
  assertEquals(all.stdout.split("\n").filter((space) => spaces.includes(space)), []);
  const [first, second] = stderr.trim().split("\n");
  assertEquals(first, second);
});

rootTest("exec: an engine that cannot start ends it before the command has run", async () => {
  const { code, stdout, stderr } = await exec(
    { user: "ordinary" },
    ["--broken", "--", "echo", "ran"],
  );
  assertEquals([code, stdout, stderr], [1, "", "error: The engine is broken\n"]);
});

rootTest("exec: a missing resolv.conf is told, links followed", async () => {
  const bare = "cp -a /etc $lab/etc; rm -f $lab/etc/resolv.conf; mount --bind $lab/etc /etc";
  const { code, stderr } = await exec({ user: "root", prepare: bare }, ["--", "true"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "hint: `sudo install -D -m 644 /dev/null /etc/resolv.conf`");
  const dangling = `${bare}; ln -s ../run/no/resolv.conf $lab/etc/resolv.conf`;
  const linked = await exec({ user: "root", prepare: dangling }, ["--", "true"]);
  assertStringIncludes(linked.stderr, "error: Cannot find /run/no/resolv.conf");
});

rootTest("exec: a namespace that ends during its set-up is no hang and no success", async () => {
  const { code, stdout, stderr } = await exec({ user: "root" }, ["--crashing", "--", "true"]);
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "Caused by: exit code 3");
});

rootTest(
  "exec: with ztun gone the command has no network, and does not fall back to the host's",
  () =>
    withDirectory(async (directory) => {
      const script = `echo waiting; for i in $(seq 400); do
      ip link show ztun0 >/dev/null 2>&1 || break; sleep 0.02; done
      ip -o link | cut -d: -f2; ip route; ip -6 route; echo end`;
      const command = execLabCommand(directory, shell(script), { user: "ordinary" });
      await using program = new Running("exec", command);
      await program.logged(/waiting/);
      program.signal("SIGKILL");
      await program.ended;
      assertEquals(program.log, "waiting\n lo\nend\n");
    }),
);
