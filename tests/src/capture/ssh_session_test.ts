import { assertEquals } from "@std/assert";
import { formatAddress, parseAddress } from "../../../src/addr/address.ts";
import { formatEndpoint } from "../../../src/addr/endpoint.ts";
import { parsePrefix } from "../../../src/addr/prefix.ts";
import {
  findSshSession,
  parseSshConnection,
  type PlannedCapture,
  type SessionHost,
  sessionRisk,
  type SshSession,
  thisHost,
} from "../../../src/capture/ssh_session.ts";
import { eventually } from "../../support/eventually.ts";

const CONNECTION = "192.0.2.7 50000 192.0.2.1 22";
const SESSION = parseSshConnection(CONNECTION)!;
const OTHER = parseSshConnection("192.0.2.8 50001 192.0.2.1 22")!;

function shown(session: SshSession | undefined): string | undefined {
  if (session === undefined) return undefined;
  return [session.peer, session.own]
    .map(({ address, port }) => formatEndpoint(formatAddress(address), port)).join(" ");
}

interface FakeProcess {
  name: string;
  variables?: string[];
  connections?: SshSession[];
}

/** Each process is the child of the one before; the last is ztun. */
function hostOf(processes: FakeProcess[], established = [SESSION, OTHER]): SessionHost {
  return {
    pid: processes.length,
    process: (pid) => {
      const process = processes[pid - 1];
      return process && { name: process.name, parent: pid - 1 };
    },
    environment: (pid) => processes[pid - 1]?.variables?.map((each) => `${each}\0`).join(""),
    connections: (pid) => processes[pid - 1]?.connections ?? [],
    isEstablished: (session) => established.some((each) => shown(each) === shown(session)),
  };
}

const INIT = { name: "systemd" };
const ZTUN = { name: "ztun", variables: ["HOME=/root"] };

Deno.test("SSH_CONNECTION: two ends, and nothing else", () => {
  assertEquals(shown(SESSION), "192.0.2.7:50000 192.0.2.1:22");
  assertEquals(
    shown(parseSshConnection("fe80::7%eth0 50000 fe80::1%eth0 22")),
    "[fe80::7]:50000 [fe80::1]:22",
  );
  for (const text of ["", "UNKNOWN 65535 UNKNOWN 65535", "192.0.2.7 0 192.0.2.1 22", "a b c"]) {
    assertEquals(parseSshConnection(text), undefined);
  }
});

Deno.test("the session is in the environment of ztun, or of a process above", () => {
  const shell = { name: "bash", variables: ["A=1", `SSH_CONNECTION=${CONNECTION}`] };
  assertEquals(findSshSession(hostOf([INIT, { ...shell, name: "ztun" }])), SESSION);
  assertEquals(findSshSession(hostOf([INIT, shell, { name: "sudo" }, ZTUN])), SESSION);
  assertEquals(findSshSession(hostOf([INIT, { name: "login" }, ZTUN])), undefined);
});

Deno.test("without any environment, it is what an SSH server above has open", () => {
  const server = { name: "sshd-session", connections: [SESSION, OTHER] };
  assertEquals(findSshSession(hostOf([INIT, server, { name: "bash" }, ZTUN])), SESSION);
  const browser = { name: "browser", connections: [SESSION] };
  assertEquals(findSshSession(hostOf([INIT, browser, ZTUN])), undefined);
});

Deno.test("a session that is no more is passed over", () => {
  const multiplexer = { name: "tmux", variables: [`SSH_CONNECTION=${CONNECTION}`] };
  assertEquals(findSshSession(hostOf([INIT, multiplexer, ZTUN], [])), undefined);
  const server = { name: "sshd", connections: [OTHER] };
  assertEquals(findSshSession(hostOf([INIT, server, multiplexer, ZTUN], [OTHER])), OTHER);
});

Deno.test("a family of processes that goes in a circle has an end", () => {
  const host = { ...hostOf([INIT]), process: () => ({ name: "odd", parent: 1 }) };
  assertEquals(findSshSession(host), undefined);
});

Deno.test("the kernel knows a connection, and whose it is, until it is closed", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const served = await listener.accept();
  const [peer, own] = [client.localAddr.port, listener.addr.port];
  const host = thisHost();
  const told = {
    ...host,
    environment: () => `SSH_CONNECTION=127.0.0.1 ${peer} 127.0.0.1 ${own}\0`,
  };
  const session = findSshSession(told)!;
  const ends = `127.0.0.1:${peer} 127.0.0.1:${own}`;
  assertEquals(shown(session), ends);
  assertEquals(host.connections(Deno.pid).map(shown).filter((each) => each === ends), [ends]);
  [client, served, listener].forEach((each) => each.close());
  // A program that another test starts just now has copies of the sockets.
  await eventually(
    "the connection to be gone",
    () => host.isEstablished(session) ? undefined : true,
  );
});

const nothing: PlannedCapture = {
  captures: () => true,
  servedPorts: [22],
  strict: undefined,
};

function risk(plan: Partial<PlannedCapture>): string | undefined {
  return sessionRisk(SESSION, { ...nothing, ...plan }, () => false)?.message;
}

const CUT = "This SSH session, from 192.0.2.7, would be cut";

Deno.test("what a firewall keeps outside is not cut", () => {
  assertEquals(risk({}), undefined);
  assertEquals(risk({ servedPorts: [80] }), `${CUT}: answers to it would go into the tunnel`);
  assertEquals(risk({ servedPorts: undefined }), `${CUT}: answers to it would go into the tunnel`);
});

Deno.test("without a firewall the routes decide", () => {
  assertEquals(risk({ servedPorts: undefined, captures: () => false }), undefined);
  const plan = { ...nothing, servedPorts: undefined };
  assertEquals(
    sessionRisk(SESSION, plan, () => false)?.hint,
    "Keep your own machine outside the tunnel: `--bypass 192.0.2.7/32`",
  );
});

Deno.test("a kill switch cuts what it does not permit, whatever the routes say", () => {
  const lan = [parsePrefix("192.0.2.0/24")!];
  const shut = { incoming: false, lan: [] };
  const cut = `${CUT}: --strict lets nothing out to 192.0.2.7`;
  assertEquals(risk({ strict: shut }), cut);
  assertEquals(risk({ strict: shut, captures: () => false }), cut);
  assertEquals(risk({ strict: { incoming: true, lan: [] } }), undefined);
  assertEquals(risk({ strict: { incoming: false, lan } }), undefined);
});

Deno.test("a session from this host to itself is not touched", () => {
  const own = (address: Uint8Array) => formatAddress(address) === "127.0.0.1";
  const peer = { address: parseAddress("127.0.0.1")!, port: 50_000 };
  const plan = { ...nothing, servedPorts: undefined, strict: { incoming: false, lan: [] } };
  assertEquals(sessionRisk({ ...SESSION, peer }, plan, own), undefined);
});
