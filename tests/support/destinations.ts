/** The servers behind the proxy, on the destination addresses of the lab; all written by others. */

import { eventually } from "./eventually.ts";
import { NAMES, NAMES6, WEB, WEB6 } from "./lab.ts";
import { must, type Running } from "./process.ts";
import type { Stage } from "./stage.ts";

export const HTTP_PORT = 80;
export const IPERF_PORT = 5201;

/** Where nginx serves files from, and puts those that are uploaded. */
export function webRoot(lab: Stage): string {
  return `${lab.directory}/www`;
}

/** nginx on both families: GET and PUT of files, `/small` for many short requests. */
export async function startNginx(lab: Stage): Promise<Running> {
  const root = webRoot(lab);
  for (const path of [root, `${root}/up`, `${lab.directory}/body`]) {
    await Deno.mkdir(path, { recursive: true });
    await Deno.chmod(path, 0o777);
  }
  const path = `${lab.directory}/nginx.conf`;
  await Deno.writeTextFile(
    path,
    `daemon off;
pid none;
worker_processes 1;
worker_rlimit_nofile 19000;
error_log stderr warn;
events { worker_connections 16000; }
http {
  access_log off;
  client_max_body_size 0;
  client_body_temp_path ${lab.directory}/body;
  client_header_timeout 300s;
  keepalive_requests 1000000;
  sendfile on;
  server {
    listen ${WEB}:${HTTP_PORT} backlog=4096;
    listen [${WEB6}]:${HTTP_PORT} backlog=4096;
    root ${root};
    location = /small { return 200 "small\\n"; }
    location = /from { return 200 "$remote_addr\\n"; }
    location /up/ { dav_methods PUT; }
  }
}
`,
  );
  return await lab.serve("nginx", ["nginx", "-e", "stderr", "-c", path], WEB, HTTP_PORT);
}

/**
 * An iperf3 server takes one test at a time, and tells a client that comes before it is done with the one
 * before that it is busy.
 */
export class IperfServer {
  readonly #server: Running;
  /** The connection that found it ready was a test to it. */
  #tests = 1;

  static async start(lab: Stage): Promise<IperfServer> {
    const command = ["iperf3", "-s", "--forceflush", "-p", String(IPERF_PORT)];
    return new IperfServer(await lab.serve("iperf3", command, WEB, IPERF_PORT));
  }

  private constructor(server: Running) {
    this.#server = server;
  }

  /** Resolves when it waits for the next test; to be called before each. */
  async ready(): Promise<void> {
    this.#tests++;
    await this.#server.logged(
      new RegExp(`Server listening on ${IPERF_PORT} \\(test #${this.#tests}\\)`),
    );
  }
}

/** Text of the record `long.test`: too long for a datagram of 512 bytes. */
export const LONG_TEXT = ["a", "b", "c", "d", "e"].map((letter) => letter.repeat(200));

/** dnsmasq with a handful of names, on both families. */
export async function startNames(
  lab: Stage,
  addresses: readonly [string, string] = [NAMES, NAMES6],
  records: readonly [string, string][] = [],
): Promise<Running> {
  const command = [
    ...["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--log-facility=-"],
    ...[
      "--conf-file=/dev/null",
      "--pid-file",
      "--user=root",
      "--bind-interfaces",
      "--except-interface=lo",
    ],
    ...["--dns-forward-max=1000", ...addresses.map((each) => `--listen-address=${each}`)],
    ...["--local=/test/", `--host-record=web.test,${WEB},${WEB6}`],
    ...records.map(([name, address]) => `--host-record=${name},${address}`),
    `--txt-record=long.test,${LONG_TEXT.join(",")}`,
  ];
  return await lab.serve("dnsmasq", command, addresses[0], 53);
}

/** socat with a command per connection, which sees the end of what the client sends. */
export async function startSocat(lab: Stage, port: number, command: string): Promise<Running> {
  const listen = `TCP4-LISTEN:${port},bind=${WEB},fork,reuseaddr`;
  const running = lab.start("socat", lab.server, ["socat", "-t", "60", listen, `EXEC:${command}`]);
  await listening(lab, port);
  return running;
}

/** netcat for one connection: sends the file, ends its own direction, and keeps what comes. */
export async function startNetcat(
  lab: Stage,
  port: number,
  sent: string,
  kept: string,
): Promise<Running> {
  const script = `exec nc.openbsd -l -N ${WEB} ${port} < ${sent} > ${kept}`;
  const running = lab.start("netcat", lab.server, ["sh", "-c", script]);
  await listening(lab, port);
  return running;
}

/** Asked of the kernel: a connection to find out would be taken for the first client. */
async function listening(lab: Stage, port: number): Promise<void> {
  await eventually(`a listener on port ${port}`, async () => {
    const sockets = await must(["ip", "netns", "exec", lab.server.name, "ss", "-Hltn"]);
    return sockets.includes(`${WEB}:${port} `) ? true : undefined;
  });
}
