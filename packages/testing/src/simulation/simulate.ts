// Many seeds: each one run, every fiftieth run twice, a failure shrunk and told.
//   U1. A failure says: the seed, the commit, one command that replays it, the faults that still make it fail, the last
//       events.
//   U2. One run in fifty is run twice: two traces that differ mean that something outside of the seed decided something.
import { execFileSync } from "node:child_process";
import type { ActorClass } from "@tenure/core";
import { type FaultPlan, describePlan, drawPlan, type PlanOptions } from "./fault-plan.ts";
import type { Substitutions } from "./cluster.ts";
import { runPlan, type RunResult } from "./run.ts";
import { shrinkPlan } from "./shrink.ts";
import type { Simulation, Workload, WorkloadFactory } from "./workload.ts";

export interface SimulateOptions {
  /** The classes that silos have; a workload may bring its own instead. */
  readonly actors?: readonly ActorClass[] | undefined;
  /** Makes what clients do in one run. */
  readonly workload: (sim: Simulation) => Omit<Workload, "actors"> & Partial<Workload>;
  /** How many seeds. @default 100 */
  readonly seeds?: number | undefined;
  /** @default 1 */
  readonly firstSeed?: number | undefined;
  /** Silos in the beginning. @default drawn from the seed: 2 to 4 */
  readonly silos?: number | undefined;
  /** @default drawn from the seed */
  readonly leaseTtlMs?: number | undefined;
  /**
   * The share of seeds whose store may lose what it had acknowledged. A workload's checks must allow for it then
   * (`sim.onLost`, `sim.wasUnsettled`). @default 0
   */
  readonly amnesia?: number | undefined;
}

export interface SimulationReport {
  readonly seeds: number;
  /** Events of the simulated worlds. */
  readonly events: number;
  /** What happened at least sometimes, and how often. */
  readonly sometimes: ReadonlyMap<string, number>;
}

/** A seed that broke a promise. Its message is the whole report. */
export class SimulationFailed extends Error {
  readonly seed: number;
  constructor(seed: number, report: string) {
    super(report);
    this.name = "SimulationFailed";
    this.seed = seed;
  }
}

/**
 * Runs your actors under every fault that the framework is tested under, in simulated time, once per seed.
 * @throws SimulationFailed at the first seed that broke an invariant or a check of the workload.
 * @example await simulate({ actors: [Counter], seeds: 200, workload: (sim) => ({ client: async () => { … } }) })
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const workload: WorkloadFactory = (sim) => {
    const made = options.workload(sim);
    return { ...made, actors: made.actors ?? options.actors ?? [] };
  };
  const first = options.firstSeed ?? 1;
  const count = options.seeds ?? 100;
  const sometimes = new Map<string, number>();
  let events = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = await runSeed(seed, workload, options);
    if (result.violations.length > 0) {
      const report = await failureReport(result, workload, options);
      throw new SimulationFailed(seed, report);
    }
    events += result.events;
    addTo(sometimes, result.sometimes);
  }
  return { seeds: count, events, sometimes };
}

export interface SeedOptions extends PlanOptions {
  readonly substitutions?: Substitutions | undefined;
}

const TWICE_EVERY = 50;

/** One seed; a fiftieth of them twice (U2). */
export async function runSeed(
  seed: number,
  workload: WorkloadFactory,
  options: SeedOptions = {},
): Promise<RunResult> {
  const { substitutions } = options;
  const plan = drawPlan(seed, options);
  const result = await runPlan({ plan, workload, substitutions });
  if (seed % TWICE_EVERY !== 0 || result.violations.length > 0) return result;
  const again = await runPlan({ plan, workload, substitutions });
  if (again.traceHash === result.traceHash) return result;
  return {
    ...result,
    violations: [
      {
        check: "replay",
        atMs: result.simulatedMs,
        detail: `the same seed ran differently the second time: ${result.traceHash}, ${again.traceHash}`,
      },
    ],
  };
}

/** Everything that is needed to understand a failure, as text (U1). */
export async function failureReport(
  result: RunResult,
  workload: WorkloadFactory,
  options: SeedOptions = {},
  command = `simulate({ …, firstSeed: ${result.seed}, seeds: 1 })`,
): Promise<string> {
  const { substitutions } = options;
  const plan = drawPlan(result.seed, options);
  const check = result.violations[0]!.check;
  const run = (candidate: FaultPlan): Promise<RunResult> =>
    runPlan({ plan: candidate, workload, substitutions });
  const smallest = await shrinkPlan(plan, async (candidate) =>
    (await run(candidate)).violations.some((violation) => violation.check === check),
  );
  const last = await run(smallest);
  const shown = last.violations.length > 0 ? last : result;
  return [
    `seed ${result.seed} failed, at commit ${commit()}; to run it again: ${command}`,
    ...result.violations.map(({ check: name, detail }) => `  ${name}: ${detail}`),
    "with no more than these faults it still fails:",
    ...describePlan(smallest).map((line) => `  ${line}`),
    ...shown.violations.map(({ check: name, detail }) => `  ${name}: ${detail}`),
    "the last events:",
    ...shown.trace.slice(-60).map(({ atMs, what }) => `  ${atMs.toFixed(1).padStart(10)} ${what}`),
  ].join("\n");
}

/** The commit that is checked out, where there is one. */
export function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short=12", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

export function addTo(sum: Map<string, number>, more: Iterable<readonly [string, number]>): void {
  for (const [what, times] of more) sum.set(what, (sum.get(what) ?? 0) + times);
}
