// `pnpm bench:curves`: how cost grows. Each curve goes over all of its steps several times, so that what slows the machine for a while
// slows one pass of all steps and not one step. docs/PERFORMANCE.md is its guide.
import type { Load, Ran } from "./closed-loop.ts";
import type { Curve, Series } from "./chart.ts";
import { perSecond } from "./measure.ts";
import { Contestant } from "./processes.ts";
import type { Bench } from "./rows.ts";
import { settings } from "./rows.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export type CurveId = keyof typeof CURVES;

export const CURVES = {
  outstanding: outstandingCurve,
  payload: payloadCurve,
  activations: activationsCurve,
  silos: silosCurve,
} as const satisfies Record<string, (bench: Bench) => Promise<Curve>>;

const OUTSTANDING = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];
const BYTES = [16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 524_288];
const SILOS = [1, 2, 3, 4, 5, 6];
/** Bytes that are under way at once, at most: more calls of 512 KiB would measure the memory. */
const BYTES_UNDER_WAY = 8 * 2 ** 20;
const ACTORS = 1_000;

/** The figures of one side at all steps, pass by pass. */
class Passes {
  readonly #rates: number[][] = [];
  readonly #p99s: number[][] = [];

  note(step: number, ran: Ran): void {
    (this.#rates[step] ??= []).push(perSecond(ran));
    (this.#p99s[step] ??= []).push(ran.p99Ms!);
  }

  rates(name: string): Series {
    return { name, values: this.#rates.map(spreadOf) };
  }

  p99s(name: string): Series {
    return { name, values: this.#p99s.map(spreadOf) };
  }

  get medians(): readonly Spread[] {
    return this.#rates.map(spreadOf);
  }
}

async function outstandingCurve(bench: Bench): Promise<Curve> {
  const env = settings(bench, "outstanding");
  await using callee = await Contestant.start("raw-nats-callee", env);
  await using raw = await Contestant.start("raw-nats-caller", env);
  await using silo = await Contestant.start("silo", env);
  await using client = await Contestant.start("client", env);
  const ours = new Passes();
  const byHand = new Passes();
  await overPasses(bench, OUTSTANDING, async (outstanding, note) => {
    const load: Load = { outstanding, actors: ACTORS, forMs: bench.runMs, latencies: true };
    const rawRan = await raw.ask<Ran>("batched", load);
    const ran = await client.ask<Ran>("carry", load);
    note((step) => {
      byHand.note(step, rawRan);
      ours.note(step, ran);
    });
  });
  await callee.ask("check", await raw.ask<object>("made"));
  await client.ask("check");
  void silo;
  return {
    id: "outstanding",
    title: "remote calls over NATS against calls outstanding",
    steps: "calls outstanding",
    scale: "log",
    at: OUTSTANDING,
    panels: [
      {
        title: "calls/s",
        scale: "linear",
        series: [ours.rates("Tenure"), byHand.rates("batched by hand")],
      },
      {
        title: "p99, ms",
        scale: "log",
        series: [ours.p99s("Tenure"), byHand.p99s("batched by hand")],
      },
    ],
  };
}

async function payloadCurve(bench: Bench): Promise<Curve> {
  const env = settings(bench, "payload");
  await using silo = await Contestant.start("silo", env);
  await using client = await Contestant.start("client", env);
  const passes = new Passes();
  await overPasses(bench, BYTES, async (bytes, note) => {
    const outstanding = Math.max(4, Math.min(256, Math.floor(BYTES_UNDER_WAY / bytes)));
    const load = { outstanding, actors: ACTORS, forMs: bench.runMs, latencies: true, bytes };
    const ran = await client.ask<Ran>("carry", load);
    note((step) => passes.note(step, ran));
  });
  await client.ask("check");
  void silo;
  const perWay = passes.medians.map(({ median, min, max }, step) => {
    const mebibytes = (rate: number): number => (rate * BYTES[step]!) / 2 ** 20;
    return { median: mebibytes(median), min: mebibytes(min), max: mebibytes(max) };
  });
  return {
    id: "payload",
    title: "remote calls over NATS against the size of argument and result",
    steps: "bytes there, and as many back",
    bytes: true,
    scale: "log",
    at: BYTES,
    panels: [
      { title: "calls/s", scale: "log", series: [passes.rates("Tenure")] },
      { title: "MiB/s each way", scale: "log", series: [{ name: "Tenure", values: perWay }] },
      { title: "p99, ms", scale: "log", series: [passes.p99s("Tenure")] },
    ],
  };
}

async function activationsCurve(bench: Bench): Promise<Curve> {
  const steps = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].filter((n) => n <= bench.idle);
  const flags = ["--expose-gc", "--max-old-space-size=16384"];
  await using silo = await Contestant.start("idle-silo", settings(bench, "activations"), flags);
  const passes = new Passes();
  const kept: (Spread | null)[] = [];
  let filled = 0;
  let bytes = 0;
  for (const [step, actors] of steps.entries()) {
    const more = await silo.ask<{ readonly bytes: number }>("fill", { actors: actors - filled });
    bytes += more.bytes * (actors - filled);
    filled = actors;
    // The first ones are lost in what the process itself needs.
    kept.push(actors < 1_000 ? null : spreadOf([bytes / actors]));
    const load: Load = { outstanding: 256, actors, forMs: bench.runMs, latencies: true };
    for (let round = 0; round <= bench.repetitions; round++) {
      const ran = await silo.ask<Ran>("call", load);
      if (round > 0) passes.note(step, ran);
    }
    process.stdout.write(`  activations ${actors}\n`);
  }
  await silo.ask("check");
  return {
    id: "activations",
    title: "calls within one silo against activations in it",
    steps: "activations in one silo",
    scale: "log",
    at: steps,
    panels: [
      {
        title: "calls/s, over all of them in turn",
        scale: "linear",
        series: [passes.rates("Tenure")],
      },
      { title: "p99, ms", scale: "linear", series: [passes.p99s("Tenure")] },
      {
        title: "bytes of heap per activation",
        scale: "linear",
        series: [{ name: "Tenure", values: kept }],
      },
    ],
  };
}

async function silosCurve(bench: Bench): Promise<Curve> {
  const passes = new Passes();
  for (const [step, count] of SILOS.entries()) {
    // A cluster of its own for each: actors stay where they are when another silo joins.
    const env = settings(bench, `silos-${count}`);
    const silos: Contestant[] = [];
    try {
      for (let i = 0; i < count; i++)
        silos.push(await Contestant.start("silo", { ...env, SILO: `silo-${i}` }));
      await using client = await Contestant.start("client", env);
      const load: Load = {
        outstanding: 256,
        actors: ACTORS,
        forMs: bench.runMs,
        latencies: true,
      };
      for (let round = 0; round <= bench.repetitions; round++) {
        const ran = await client.ask<Ran>("carry", load);
        if (round > 0) passes.note(step, ran);
      }
      await client.ask("check");
    } finally {
      for (const silo of silos) await silo[Symbol.asyncDispose]();
    }
    process.stdout.write(`  silos ${count}\n`);
  }
  return {
    id: "silos",
    title: "remote calls over NATS against silos, all on the same two cores",
    steps: "silos",
    scale: "linear",
    at: SILOS,
    panels: [
      { title: "calls/s", scale: "linear", series: [passes.rates("Tenure")] },
      { title: "p99, ms", scale: "linear", series: [passes.p99s("Tenure")] },
    ],
  };
}

/** One pass over all steps warms up; what the others say counts. */
async function overPasses(
  bench: Bench,
  steps: readonly number[],
  run: (at: number, note: (with_: (step: number) => void) => void) => Promise<void>,
): Promise<void> {
  for (let pass = 0; pass <= bench.repetitions; pass++)
    for (const [step, at] of steps.entries())
      await run(at, (noted) => {
        if (pass > 0) noted(step);
      });
}
