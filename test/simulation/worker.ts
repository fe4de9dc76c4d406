// Runs a list of seeds in a process of its own and writes what came of each, one JSON line per seed.
// The first argument is a Job as JSON. Its end is the process's end: what a run leaves behind dies with it.
import { drawPlan, describePlan, failureReport, runSeed } from "@tenure/testing/simulation";
import { BUGS } from "./bugs/bank.ts";
import { amnesiaOf } from "./cli.ts";
import { type WorkloadName, WORKLOADS } from "./workloads/named.ts";

export interface Job {
  readonly seeds: readonly number[];
  /** Switches a rule off. */
  readonly bug?: string | undefined;
  /** The share of seeds whose store forgets. @default 0.3; 1 for a bug that only such a store shows */
  readonly amnesia?: number | undefined;
  /** @default the bug's, or 'protocol' */
  readonly workload?: WorkloadName | undefined;
  /** Stops after the first seed that fails; a report is made of each otherwise. */
  readonly untilFound?: boolean | undefined;
}

export interface SeedLine {
  readonly seed: number;
  readonly events: number;
  readonly sometimes: readonly (readonly [string, number])[];
  /** The checks that failed, with their details. */
  readonly violations: readonly string[];
  readonly report: string | undefined;
}

const job = JSON.parse(process.argv[2] ?? "{}") as Job;
const bug = job.bug === undefined ? undefined : BUGS.find(({ rule }) => rule === job.bug);
if (job.bug !== undefined && !bug) throw new Error(`there is no bug '${job.bug}'`);
const name = job.workload ?? bug?.workload ?? "protocol";
const workload = WORKLOADS[name];
const options = {
  substitutions: bug?.substitutions,
  amnesia: job.amnesia ?? amnesiaOf(bug?.amnesia),
};

// A promise that nobody handles is a fault of the runtime like any other.
let unhandled: unknown;
process.on("unhandledRejection", (reason) => {
  unhandled ??= reason;
});

for (const seed of job.seeds) {
  const result = await runSeed(seed, workload, options);
  const violations = result.violations.map(({ check, detail }) => `${check}: ${detail}`);
  if (unhandled !== undefined) violations.push(`unhandled rejection: ${describe(unhandled)}`);
  unhandled = undefined;
  const failed = result.violations.length > 0;
  const report =
    failed && !job.untilFound
      ? await failureReport(result, workload, options, command(seed))
      : undefined;
  const line: SeedLine = {
    seed,
    events: result.events,
    sometimes: [...result.sometimes],
    violations,
    report:
      report ??
      (violations.length > 0 ? describePlan(drawPlan(seed, options)).join("\n") : undefined),
  };
  await new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(line)}\n`, resolve);
  });
  if (violations.length > 0 && job.untilFound) break;
}
// Timers of crashed silos and clients never fire; nothing is left to wait for.
process.exit(0);

function command(seed: number): string {
  const bug = job.bug === undefined ? "" : ` --bug '${job.bug}'`;
  const amnesia = job.amnesia === undefined ? "" : ` --amnesia ${job.amnesia}`;
  const given = job.workload === undefined ? "" : ` --workload ${job.workload}`;
  return `pnpm sim --seed ${seed}${bug}${amnesia}${given}`;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
