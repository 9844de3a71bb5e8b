/**
 * Takes the samples of a run: scenario after scenario, round after round, and in each round variant after
 * variant, so that whatever the machine does meanwhile befalls them all.
 */

import type { BenchLab } from "./bench_lab.ts";
import type { Client } from "./client.ts";
import type { Figures } from "./figures.ts";
import { gist } from "./gist.ts";
import type { Options } from "./options.ts";
import { foreignCpuSeconds } from "./processes.ts";
import type { Sample } from "./sample.ts";
import { type Outcome, pause, type Scenario, type Turn } from "./scenarios/scenario.ts";
import type { Tunnel } from "./tunnel.ts";

export type Report = (sample: Sample) => void;

export async function runScenario(
  lab: BenchLab,
  scenario: Scenario,
  options: Options,
  report: Report,
): Promise<Sample[]> {
  await using _shared = await scenario.prepare?.(lab);
  const clients = lab.clients.filter(({ tunnel }) => scenario.controls || tunnel !== undefined);
  const samples: Sample[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const client of rotated(clients, round)) {
      const sample = await takeSample({ lab, client, options }, scenario, round);
      report(sample);
      samples.push(sample);
    }
  }
  if (scenario.tunnel === "kept") await lookAfterwards(clients, samples, options.settleSeconds);
  for (const { tunnel } of clients) await tunnel?.stop();
  return samples;
}

/** Each round begins with another one, so that none is always first. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % Math.max(1, items.length);
  return [...items.slice(at), ...items.slice(0, at)];
}

async function takeSample(turn: Turn, scenario: Scenario, round: number): Promise<Sample> {
  const { client: { variant, tunnel } } = turn;
  const sample = { scenario: scenario.name, variant: variant.name, round };
  const [started, foreign] = [performance.now(), foreignCpuSeconds()];
  const foreignShare = () => Math.max(0, foreignCpuSeconds() - foreign) / cpuSecondsSince(started);
  try {
    if (tunnel !== undefined && scenario.tunnel !== "own" && !tunnel.running) await tunnel.start();
    const figures = await measured(turn, scenario);
    return { ...sample, figures, foreignShare: foreignShare() };
  } catch (error) {
    turn.lab.assertOpen();
    const failure = gist(error instanceof Error ? error.message : String(error));
    // Whatever state it is in: the next sample begins with a new one.
    await tunnel?.stop();
    return { ...sample, figures: {}, foreignShare: foreignShare(), failure };
  } finally {
    if (scenario.tunnel !== "kept") await tunnel?.stop();
  }
}

function cpuSecondsSince(started: number): number {
  return (performance.now() - started) / 1000 * navigator.hardwareConcurrency;
}

async function measured(turn: Turn, scenario: Scenario): Promise<Figures> {
  const { tunnel } = turn.client;
  if (tunnel === undefined || scenario.tunnel === "own") {
    return (await scenario.measure(turn)).figures;
  }
  return await withCosts(tunnel, () => scenario.measure(turn));
}

/** What the scenario measures, and what it cost the tunnel. */
async function withCosts(tunnel: Tunnel, measure: () => Promise<Outcome>): Promise<Figures> {
  const tree = tunnel.tree();
  const [rssBefore, cpuBefore] = [tree.residentMib(), tree.cpuSeconds()];
  let outcome: Outcome = { figures: {} };
  const rssPeak = await tree.peakDuring(async () => {
    outcome = await measure();
  });
  const { figures, gigabits, requests, cpuSeconds } = outcome;
  const milliseconds = (cpuSeconds ?? tree.cpuSeconds() - cpuBefore) * 1000;
  return {
    ...figures,
    ...gigabits !== undefined && { cpuPerGbit: milliseconds / gigabits },
    ...requests !== undefined && { cpuPerThousand: milliseconds / requests * 1000 },
    // Later rounds begin with what the earlier ones left.
    ...tunnel.load() && { rssBefore },
    rssPeak,
  };
}

/** Memory when the last load has been over for so long; it belongs to the last sample of each. */
async function lookAfterwards(
  clients: readonly Client[],
  samples: Sample[],
  seconds: number,
): Promise<void> {
  const tunnels = clients.filter(({ tunnel }) => tunnel?.running);
  if (tunnels.length === 0) return;
  await pause(seconds);
  for (const { variant, tunnel } of tunnels) {
    const last = samples.findLast((sample) => sample.variant === variant.name)!;
    if (tunnel!.running) last.figures.rssAfter = tunnel!.tree().residentMib();
  }
}
