// What `pnpm torture` does: rounds of drawn faults for so many minutes, or the figures.
import type { Figure } from "./figures/figure.ts";
import { evictionsUnderCpuLoad } from "./figures/cpu-load.ts";
import { rollingDrain } from "./figures/drain.ts";
import { natsAlone } from "./figures/nats-alone.ts";
import { allServersAway } from "./figures/outage.ts";
import { timeWithoutService } from "./figures/sigkill.ts";
import { stoppedBeyondTheLease } from "./figures/sigstop.ts";
import { namespacesUnavailable } from "./network-namespaces.ts";
import { failureReport, summary } from "./report.ts";
import { type RoundOptions, runRound } from "./round.ts";

export type Scenario = "proxies" | "partitions";

export interface LongOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly only: Scenario | undefined;
  readonly strikes: number;
  /** @default 2 s or 4 s, by the seed */
  readonly ttlMs: number | undefined;
}

const EVERY_NTH_IN_NAMESPACES = 3;

/** Round after round until the time is up; the seeds count up from the first. False when a round failed. */
export async function runLong(options: LongOptions): Promise<boolean> {
  const { minutes, seed: first, only, strikes } = options;
  const why = namespacesUnavailable();
  if (why !== undefined) console.log(`skipped: partitions in network namespaces: ${why}`);
  if (why !== undefined && only === "partitions") return true;
  const untilMs = performance.now() + minutes * 60_000;
  let failed = 0;
  let rounds = 0;
  for (let seed = first; rounds === 0 || performance.now() < untilMs; seed++, rounds++) {
    const drawn = roundOf(seed, only, why === undefined);
    const settings = { strikes, ...drawn, ttlMs: options.ttlMs ?? drawn.ttlMs };
    const round = await runRound({ seed, ...settings });
    if (round.violations.length === 0)
      console.log(`${summary(round)} (${scenarioOf(settings.namespaces)})`);
    else {
      failed += 1;
      console.log(failureReport(round, repeat(seed, settings)));
    }
  }
  console.log(`${rounds} rounds, seeds ${first} to ${first + rounds - 1}; ${failed} failed`);
  return failed === 0;
}

/** The place and the lease follow from the seed, so that one seed is one round. */
function roundOf(
  seed: number,
  only: Scenario | undefined,
  namespacesWork: boolean,
): { readonly namespaces: boolean; readonly ttlMs: number } {
  const drawn = namespacesWork && seed % EVERY_NTH_IN_NAMESPACES === 0;
  return {
    namespaces: only === undefined ? drawn : only === "partitions",
    ttlMs: seed % 2 === 0 ? 2_000 : 4_000,
  };
}

/** The command that draws the same schedule again. */
export function repeat(
  seed: number,
  { strikes, ttlMs, namespaces }: Pick<RoundOptions, "strikes" | "ttlMs" | "namespaces">,
): string {
  const where = scenarioOf(namespaces === true);
  return `pnpm torture --minutes 0 --seed ${seed} --only ${where} --strikes ${strikes} --ttl ${ttlMs}`;
}

function scenarioOf(namespaces: boolean): Scenario {
  return namespaces ? "partitions" : "proxies";
}

export interface FigureSettings {
  readonly runs: number;
  readonly cpuMinutes: number;
  readonly awaySeconds: readonly number[];
  readonly rounds: number;
}

export const FIGURES: readonly string[] = [
  "sigkill",
  "sigstop",
  "cpu",
  "away",
  "drain",
  "nats-alone",
];

/** Prints each figure in one line. False when one of them does not hold. */
export async function printFigures(names: readonly string[], of: FigureSettings): Promise<boolean> {
  let all = true;
  for (const name of names)
    for (const measure of figuresOf(name, of)) {
      const { line, holds } = await measure();
      all &&= holds;
      console.log(`${holds ? "holds" : "FAILS"}  ${line}`);
    }
  return all;
}

function figuresOf(name: string, of: FigureSettings): readonly (() => Promise<Figure>)[] {
  switch (name) {
    case "sigkill":
      return [() => timeWithoutService(of.runs)];
    case "sigstop":
      return [() => stoppedBeyondTheLease(of.runs)];
    case "cpu":
      return [() => evictionsUnderCpuLoad(of.cpuMinutes)];
    case "away":
      return of.awaySeconds.map((seconds) => () => allServersAway(seconds));
    case "drain":
      return [() => rollingDrain(of.rounds)];
    case "nats-alone":
      return [() => natsAlone(of.rounds)];
    default:
      throw new Error(`there is no figure '${name}'; there are ${FIGURES.join(", ")}`);
  }
}
