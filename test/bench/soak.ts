// `pnpm bench:soak`: a long run at 70 % of the peak, with activations that come and go. docs/PERFORMANCE.md is its guide.
//   SK1. Each minute ends with a few seconds without a call, in which everything is taken stock of, after a forced garbage
//        collection: what is held then is held for nothing. It begins with as many seconds of the same load whose times do not count:
//        a forced collection leaves a process that first has to grow its young generation and to compile again, which nobody else's does.
//   SK2. Asserted: nothing grows (heap, handles, timers, subscriptions, pending entries, activations) from the second minute to the last
//        ones, and the 99th percentile of the last minute is within 1.5 × of the first.
//   SK3. Counted exactly: what the actors have run is what callers were answered.
import type { Ran } from "./closed-loop.ts";
import { mustEqual } from "./contestant.ts";
import type { Held } from "./held.ts";
import { perSecond } from "./measure.ts";
import type { Offered } from "./open-loop.ts";
import { Contestant } from "./processes.ts";
import { SpeedProbe } from "./speed-probe.ts";
import { spreadOf } from "./statistics.ts";

export interface Minute {
  readonly offered: number;
  readonly answered: number;
  /** With OverloadedError: at 70 % of a peak that was measured while the machine had more time than now. */
  readonly refused: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What the same arithmetic took of a processor in the machine's slowest second (speed-probe.ts). */
  readonly slowestMs: number;
  /** Activations that ended in it. */
  readonly collected: number;
  readonly silo: Held;
  readonly client: Held;
  readonly subscriptions: number;
}

export interface Soak {
  readonly peakPerSecond: number;
  readonly offeredPerSecond: number;
  readonly minutes: readonly Minute[];
}

export interface SoakOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Where the NATS server tells of itself. */
  readonly monitorUrl: string;
  readonly minutes: number;
  readonly onMinute: (minute: Minute, number: number) => void;
}

const PART = 0.7;
const LEAD_MS = 5_000;
const LOAD_MS = 50_000;
const QUIET_MS = 5_000;
const FLAGS = ["--expose-gc"];
/** What a heap may differ by without having grown. */
const HEAP_FACTOR = 1.1;
const HEAP_BYTES = 4 * 2 ** 20;
const P99_FACTOR = 1.5;

export async function measureSoak(options: SoakOptions): Promise<Soak> {
  const { env, monitorUrl, onMinute } = options;
  await using silo = await Contestant.start("soak-silo", env, FLAGS);
  await using client = await Contestant.start("soak-client", env, FLAGS);
  const peaks: number[] = [];
  for (let i = 0; i < 6; i++) {
    const ran = await client.ask<Ran>("closed", { outstanding: 256, actors: 1, forMs: 2_000 });
    peaks.push(perSecond(ran));
  }
  // The first ones warm up.
  const peakPerSecond = spreadOf(peaks.slice(3)).median;
  const offeredPerSecond = PART * peakPerSecond;
  const minutes: Minute[] = [];
  let collectedBefore = 0;
  // As before every other minute.
  for (const each of [silo, client]) await each.ask("held");
  using probe = new SpeedProbe();
  for (let i = 0; i < options.minutes; i++) {
    await client.ask("offer", { perSecond: offeredPerSecond, forMs: LEAD_MS });
    probe.begin();
    const load = await client.ask<Omit<Offered, "windows">>("offer", {
      perSecond: offeredPerSecond,
      forMs: LOAD_MS,
    });
    const slowestMs = probe.slowestMs();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    const collected = await silo.ask<number>("collected");
    const minute: Minute = {
      offered: load.offered,
      answered: load.answered?.count ?? 0,
      refused: load.refused?.count ?? 0,
      failed: load.offered - (load.answered?.count ?? 0) - (load.refused?.count ?? 0),
      p50Ms: load.answered?.p50Ms ?? Infinity,
      p99Ms: load.answered?.p99Ms ?? Infinity,
      slowestMs,
      collected: collected - collectedBefore,
      silo: await silo.ask<Held>("held"),
      client: await client.ask<Held>("held"),
      subscriptions: await subscriptionsAt(monitorUrl),
    };
    collectedBefore = collected;
    minutes.push(minute);
    onMinute(minute, i + 1);
  }
  const answered = await client.ask<Record<string, number>>("answered");
  const counted = await client.ask<Record<string, number>>("counted");
  for (const [kind, count] of Object.entries(answered)) mustEqual(kind, counted[kind]!, count); // SK3
  return { peakPerSecond, offeredPerSecond, minutes };
}

async function subscriptionsAt(monitorUrl: string): Promise<number> {
  const answer = await fetch(`${monitorUrl}/subsz`);
  const { num_subscriptions: count } = (await answer.json()) as { num_subscriptions: number };
  return count;
}

/** What is wrong, one line each; empty when nothing is (SK2). */
export function soakProblems({ minutes }: Soak): readonly string[] {
  const problems: string[] = [];
  const [first, second = first] = minutes;
  const last = minutes.at(-1);
  if (!first || !second || !last) return ["no minute was measured"];
  const ends = minutes.slice(-3);
  const grew = (
    what: string,
    of: (minute: Minute) => number,
    allowed: (from: number) => number,
  ) => {
    // The least of the last ones: growth is in all of them, chance is not.
    const from = of(second);
    const to = Math.min(...ends.map(of));
    if (to > allowed(from)) problems.push(`${what} grew from ${from} to ${to}`);
  };
  const exactly = (from: number): number => from;
  for (const who of ["silo", "client"] as const) {
    const heap = (from: number): number => Math.max(from * HEAP_FACTOR, from + HEAP_BYTES);
    grew(`the ${who}'s heap`, (minute) => minute[who].heapBytes, heap);
    grew(`the ${who}'s timers`, (minute) => minute[who].timers, exactly);
    grew(`the ${who}'s handles`, (minute) => minute[who].handles, exactly);
    grew(`the ${who}'s activations`, (minute) => minute[who].activations, exactly);
    for (const [i, minute] of minutes.entries())
      if (minute[who].pending > 0)
        problems.push(
          `${minute[who].pending} entries were pending in the ${who} after minute ${i + 1}`,
        );
  }
  grew("subscriptions", ({ subscriptions }) => subscriptions, exactly);
  for (const [i, { failed, collected }] of minutes.entries()) {
    if (failed > 0) problems.push(`${failed} calls of minute ${i + 1} failed`);
    if (collected === 0) problems.push(`in minute ${i + 1} no activation ended`);
  }
  if (last.p99Ms > first.p99Ms * P99_FACTOR)
    problems.push(
      `p99 was ${first.p99Ms.toFixed(1)} ms in the first minute and ${last.p99Ms.toFixed(1)} in the last`,
    );
  return problems;
}

export function minuteLine(minute: Minute, number: number): string {
  const { silo, client } = minute;
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const both = (of: (held: Held) => number | string): string => `${of(silo)}/${of(client)}`;
  return [
    `minute ${String(number).padStart(2)}: ${minute.answered} answered, ${minute.refused} refused, ${minute.failed} failed`,
    `p50 ${minute.p50Ms.toFixed(2)} p99 ${minute.p99Ms.toFixed(2)} ms (the same arithmetic took ${minute.slowestMs.toFixed(2)} ms in the slowest second)`,
    `${minute.collected} activations ended, ${silo.activations} are there`,
    `silo/client: heap ${both(({ heapBytes }) => mebibytes(heapBytes))} MiB, timers ${both(({ timers }) => timers)}, handles ${both(({ handles }) => handles)}, pending ${both(({ pending }) => pending)}`,
    `subscriptions ${minute.subscriptions}`,
  ].join("; ");
}
