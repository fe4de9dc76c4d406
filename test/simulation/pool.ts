// Runs seeds in child processes, as many at once as there are cores, and gathers what they say.
import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Job, SeedLine } from "./worker.ts";
import type { WorkloadName } from "./workloads/named.ts";

export interface PoolOptions {
  readonly bug?: string | undefined;
  readonly untilFound?: boolean | undefined;
  readonly workload?: WorkloadName | undefined;
  readonly amnesia?: number | undefined;
  /** Called for every seed as it ends. */
  onSeed?(line: SeedLine): void;
  /** Passed on to the children, for example for coverage. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** @default the number of cores */
  readonly processes?: number | undefined;
}

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

/** The lines of all seeds; with `untilFound` each process stops at its first failure. */
export async function runSeeds(
  seeds: readonly number[],
  options: PoolOptions = {},
): Promise<readonly SeedLine[]> {
  const processes = Math.max(
    1,
    Math.min(options.processes ?? availableParallelism(), seeds.length),
  );
  const lines: SeedLine[] = [];
  const passed: number[] = Array.from({ length: processes }, () => -Infinity);
  const children: ChildProcess[] = [];
  let firstFound = Infinity;
  // The earliest seed that fails is known once every process is past it.
  const stopIfFound = (): void => {
    for (const [i, child] of children.entries())
      if (options.untilFound && passed[i]! >= firstFound) child.kill();
  };
  await Promise.all(
    Array.from({ length: processes }, (_, i) =>
      runChild(
        {
          seeds: seeds.filter((_seed, index) => index % processes === i),
          bug: options.bug,
          untilFound: options.untilFound,
          workload: options.workload,
          amnesia: options.amnesia,
        },
        options,
        children,
        (line) => {
          lines.push(line);
          passed[i] = line.seed;
          if (line.violations.length > 0) firstFound = Math.min(firstFound, line.seed);
          stopIfFound();
          options.onSeed?.(line);
        },
      ),
    ),
  );
  return lines;
}

function runChild(
  job: Job,
  options: PoolOptions,
  children: ChildProcess[],
  onLine: (line: SeedLine) => void,
): Promise<void> {
  const child = spawn(process.execPath, ["--import", "tsx", WORKER, JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: options.env ?? process.env,
  });
  children.push(child);
  createInterface({ input: child.stdout }).on("line", (line) =>
    onLine(JSON.parse(line) as SeedLine),
  );
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0 || child.killed) resolve();
      else reject(new Error(`a worker of the simulation ended with ${code}`));
    });
  });
}
