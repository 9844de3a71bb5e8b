/** The destinations of the bench: an HTTP server and an echo server. Both stay up for the whole run. */

import { nofile } from "../../support/ztun.ts";
import { ECHO, ECHO_PORT, HTTP_PORT, WEB } from "./addresses.ts";
import type { BenchLab } from "./bench_lab.ts";
import { program } from "./programs.ts";

/** In kilobytes; `/mix/N` has N of them. */
const SIZES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];

export async function startServers(lab: BenchLab): Promise<void> {
  await startNginx(lab);
  await lab.serve("echo", nofile(program("echo_server.ts", ECHO)), WEB, ECHO_PORT);
}

async function startNginx(lab: BenchLab): Promise<void> {
  const root = `${lab.directory}/www`;
  await Deno.mkdir(`${root}/mix`, { recursive: true });
  for (const size of SIZES) {
    await Deno.writeFile(`${root}/mix/${size}`, new Uint8Array(size * 1000));
  }
  const path = `${lab.directory}/nginx.conf`;
  await Deno.writeTextFile(path, nginxConfig(root));
  await lab.serve("nginx", ["nginx", "-e", "stderr", "-c", path], WEB, HTTP_PORT);
}

function nginxConfig(root: string): string {
  return `daemon off;
pid none;
worker_processes 1;
error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 100000000;
  sendfile on;
  server {
    listen ${WEB}:${HTTP_PORT} backlog=4096;
    root ${root};
    location = /small { return 200 "small\\n"; }
  }
}
`;
}
