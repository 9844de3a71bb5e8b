/** Programs that people use, unchanged: curl, wrk, iperf3, ping. */

import { assert, assertEquals } from "@std/assert";
import { IPERF_PORT, IperfServer, startNginx } from "../support/destinations.ts";
import { e2eThrough, type TunnelCase } from "../support/e2e.ts";
import { NAMES, WEB, WEB6 } from "../support/lab.ts";
import { dante, PROXIES, sshDynamic, ztunSocks } from "../support/proxies.ts";

async function curlBothFamilies({ lab }: TunnelCase): Promise<void> {
  await startNginx(lab);
  for (const [flag, host] of [["-4", WEB], ["-6", `[${WEB6}]`]]) {
    const shown = await lab.client.must([
      "curl",
      "-sS",
      "--globoff",
      "-m",
      "10",
      flag!,
      `http://${host}/small`,
    ]);
    assertEquals(shown, "small\n");
  }
}

async function keepAlive({ lab, note }: TunnelCase): Promise<void> {
  await startNginx(lab);
  const shown = await lab.client.must([
    "wrk",
    "-t",
    "1",
    "-c",
    "50",
    "-d",
    "3s",
    `http://${WEB}/small`,
  ]);
  assert(!/Socket errors|Non-2xx/.test(shown), shown);
  const rate = Number(shown.match(/Requests\/sec:\s+([\d.]+)/)![1]);
  assert(rate > 0, shown);
  note(`${Math.round(rate)} requests/s`);
}

interface IperfReport {
  error?: string;
  end: { sum_received: { bits_per_second: number; bytes: number } };
}

async function speed({ lab, note }: TunnelCase): Promise<void> {
  const server = await IperfServer.start(lab);
  for (const [way, ...flags] of [["up"], ["down", "-R"], ["both ways", "--bidir"]]) {
    const command = ["iperf3", "-c", WEB, "-p", String(IPERF_PORT), "-t", "2", "-J", ...flags];
    await server.ready();
    const { stdout } = await lab.client.run(command);
    const report = JSON.parse(stdout) as IperfReport;
    assertEquals(report.error, undefined);
    assert(report.end.sum_received.bytes > 0, stdout);
    note(`${way} ${(report.end.sum_received.bits_per_second / 1e9).toFixed(1)} Gbit/s`);
  }
}

async function echoRequests({ lab }: TunnelCase): Promise<void> {
  for (const host of [WEB, NAMES, WEB6]) {
    const shown = await lab.client.must(["ping", "-n", "-c", "5", "-i", "0.05", "-W", "2", host]);
    assert(shown.includes(" 0% packet loss"), shown);
  }
  const large = await lab.client.must([
    "ping",
    "-n",
    "-c",
    "3",
    "-i",
    "0.05",
    "-W",
    "2",
    "-s",
    "8000",
    WEB,
  ]);
  assert(large.includes(" 0% packet loss"), large);
}

for (const proxy of PROXIES) e2eThrough("curl -4 and -6", proxy, curlBothFamilies);
for (const proxy of [ztunSocks, dante, sshDynamic]) {
  e2eThrough("wrk, 50 keep-alive connections", proxy, keepAlive);
  e2eThrough("iperf3 up, down and both ways", proxy, speed);
}
e2eThrough("ping, IPv4 and IPv6, small and fragmented", ztunSocks, echoRequests);
e2eThrough("ping, offload off", ztunSocks, echoRequests, { flags: ["--offload", "off"] });
e2eThrough("iperf3 up, down and both ways, offload off", ztunSocks, speed, {
  flags: ["--offload", "off"],
});
