/** A tunnel's status as a person reads it. */

import type { CaptureStatus, TunnelStatus } from "../../control/status.ts";

/** Few lines, of which the first names it. */
export function describe(status: TunnelStatus): string {
  const { device, gauges, counters, dns } = status;
  const offload = device.offload ? "offload on" : "offload off";
  const drops = Object.entries(counters)
    .filter(([name, count]) => name.startsWith("drop") && count > 0)
    .map(([name, count]) => `${name.slice(4)} ${count}`);
  return [
    `${device.name}: ztun ${status.command}, pid ${status.pid}, up ${
      duration(status.uptimeSeconds)
    }, ${status.state}`,
    `  proxy    ${status.proxy}, UDP: ${status.proxyUdp}, pipelining: ${status.proxyPipelining}`,
    `  device   MTU ${device.mtu}, ${offload}, engine ${status.engine}, ${workers(status.workers)}`,
    ...(status.capture === undefined ? [] : captureLines(status.capture)),
    `  tcp      ${gauges.tcpFlows} flows (${gauges.tcpHalfOpen} half-open), ${counters.tcpOpened} opened, ${counters.tcpRefused} refused`,
    `  udp      ${gauges.udpMappings} ports, ${gauges.udpAssociations} associations, ${counters.udpRefused} refused`,
    `  dns      ${dns.queries} queries, ${dns.answers} answers, ${dns.timeouts} timeouts, p50 ${
      ms(dns.latency.p50)
    }, p99 ${ms(dns.latency.p99)}`,
    `  bytes    ${counters.proxyBytesUp} up, ${counters.proxyBytesDown} down, ${gauges.bytesBuffered} buffered`,
    `  dropped  ${drops.length === 0 ? "nothing" : drops.join(", ")}`,
    "",
  ].join("\n");
}

function captureLines(capture: CaptureStatus): string[] {
  const { table, mark, include, bypass, outside, network, changes, resolver, rewritten } = capture;
  const within = include.length === 0 ? "everything" : include.join(", ");
  const except = bypass.length === 0 ? "" : ` but ${bypass.join(", ")}`;
  return [
    `  capture  ${within}${except}; table ${table}, mark 0x${mark.toString(16)}`,
    ...outside.map((sentence) => `  outside  ${sentence}`),
    ...capture.intact ? [] : ["  damaged  part of it is gone, and cannot be made again"],
    `  network  ${network}, changed ${times(changes)}`,
    `  resolver ${resolver}, rewritten by others ${times(rewritten)}`,
    `  strict   ${capture.strict ? refusedText(capture.refused) : "off"}`,
  ];
}

function refusedText(refused: CaptureStatus["refused"]): string {
  const counts = Object.entries(refused).filter(([, count]) => count > 0);
  if (counts.length === 0) return "on, kept in nothing";
  const texts = counts.map(([name, count]) => `${name.replace(/^refused_/, "")} ${count}`);
  return `on, kept in ${texts.join(", ")}`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function workers(count: number): string {
  return count === 1 ? "1 worker" : `${count} workers`;
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}

function duration(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 3600), "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first < 0 ? 2 : first).map(([count, unit]) => `${count}${unit}`).join(" ");
}
