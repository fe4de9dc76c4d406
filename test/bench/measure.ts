// How sides are measured: one after another, round by round (A B A B), so that whatever slows the machine slows all of them.
//   ME1. A first round warms up and counts for nothing.
//   ME2. Processor time is taken of every process that a side uses, its servers too.
import type { Load, Ran } from "./closed-loop.ts";
import { type Contestant, processorMs } from "./processes.ts";
import { type Spread, spreadOf, type Unit } from "./statistics.ts";

export interface Side {
  readonly name: string;
  readonly contestant: Contestant;
  readonly operation: string;
  readonly load: Load & { readonly bytes?: number };
  /** Every process that works for it, by name: the id. */
  readonly processes: Readonly<Record<string, number>>;
}

export interface Measured {
  readonly side: string;
  readonly figure: Spread;
  readonly figures: readonly number[];
  /** Microseconds of processor time per call, the median, by process. */
  readonly cpuUs: Readonly<Record<string, number>>;
}

/** `figureOf`: what is told of a run. */
export async function measure(
  sides: readonly Side[],
  repetitions: number,
  figureOf: (ran: Ran) => number,
): Promise<readonly Measured[]> {
  const figures = new Map<string, number[]>(sides.map(({ name }) => [name, []]));
  const cpu = new Map<string, Record<string, number[]>>(sides.map(({ name }) => [name, {}]));
  for (let round = 0; round <= repetitions; round++)
    for (const side of sides) {
      const before = processorTimes(side);
      const ran = await side.contestant.ask<Ran>(side.operation, side.load);
      if (round === 0) continue; // ME1
      figures.get(side.name)!.push(figureOf(ran));
      const times = cpu.get(side.name)!;
      for (const [name, ms] of Object.entries(processorTimes(side)))
        (times[name] ??= []).push(((ms - before[name]!) * 1_000) / ran.calls);
    }
  return sides.map(({ name }) => ({
    side: name,
    figure: spreadOf(figures.get(name)!),
    figures: figures.get(name)!,
    cpuUs: Object.fromEntries(
      Object.entries(cpu.get(name)!).map(([process, us]) => [process, spreadOf(us).median]),
    ),
  }));
}

function processorTimes({ processes }: Side): Record<string, number> {
  return Object.fromEntries(
    Object.entries(processes).map(([name, pid]) => [name, processorMs(pid)]),
  );
}

export function perSecond({ calls, elapsedMs }: Ran): number {
  return (calls * 1_000) / elapsedMs;
}

/** What a figure is compared with, and how far it should get. */
export interface Goal {
  readonly against: string;
  /** At least this ratio; of latencies and sizes at most. */
  readonly ratio: number;
}

export interface RowResult {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** The side that is Tenure's. */
  readonly ours: string;
  readonly measured: readonly Measured[];
  readonly goals: readonly Goal[];
  /** Of each raw side, the end of its usual range by which it is known to be one. */
  readonly usual: Readonly<Record<string, number>>;
  /** A goal that is a figure and no ratio. */
  readonly figureGoal?: number;
  readonly notes?: readonly string[];
}
