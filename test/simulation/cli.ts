// What the command line and the tests do with seeds.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { addTo, commit } from "@tenure/testing/simulation";
import { BUGS, UNSWITCHABLE } from "./bugs/bank.ts";
import { AMNESIA } from "./workloads/protocol-workload.ts";
import { type PoolOptions, runSeeds } from "./pool.ts";
import { neverHappened } from "./sometimes.ts";

/** Seeds that are other ones for each commit, and the same for all runs of one. */
export function firstSeedOf(hash: string = commit()): number {
  const digits = Number.parseInt(hash.slice(0, 7), 16);
  return Number.isNaN(digits) ? 1 : digits * 16;
}

export function seedsFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** Every seed that ever failed, with what it found. */
export function failedSeeds(): readonly {
  readonly seed: number;
  /** The share of seeds whose store forgot in the run that failed. */
  readonly amnesia: number;
  readonly found: string;
}[] {
  return JSON.parse(readFileSync(new URL("failed-seeds.json", import.meta.url), "utf8")) as {
    seed: number;
    amnesia: number;
    found: string;
  }[];
}

/** The share of seeds whose store forgets, in runs with a bug that needs one, or not. */
export function amnesiaOf(needed: boolean | undefined): number {
  return needed === true ? 1 : AMNESIA;
}

export interface Outcome {
  readonly reports: readonly string[];
  readonly sometimes: ReadonlyMap<string, number>;
  readonly events: number;
  readonly seconds: number;
}

export async function runAll(
  seeds: readonly number[],
  options: Pick<PoolOptions, "amnesia" | "workload"> = {},
): Promise<Outcome> {
  const began = performance.now();
  const sometimes = new Map<string, number>();
  const reports: string[] = [];
  let events = 0;
  const lines = await runSeeds(seeds, options);
  for (const line of lines) {
    addTo(sometimes, line.sometimes);
    events += line.events;
    if (line.violations.length > 0)
      reports.push(`${line.violations.join("\n")}\n${line.report ?? ""}`);
  }
  return { reports, sometimes, events, seconds: (performance.now() - began) / 1_000 };
}

export async function runMany(
  first: number,
  count: number,
  all: boolean,
  options: Pick<PoolOptions, "amnesia" | "workload">,
): Promise<boolean> {
  console.log(`seeds ${first} to ${first + count - 1}, of commit ${commit()}`);
  const { reports, sometimes, events, seconds } = await runAll(seedsFrom(first, count), options);
  for (const report of reports) console.log(report);
  if (all)
    for (const [what, times] of [...sometimes].toSorted((a, b) => b[1] - a[1]))
      console.log(`${String(times).padStart(9)} ${what}`);
  if ((options.workload ?? "protocol") === "protocol")
    for (const what of neverHappened(sometimes)) console.log(`never happened: ${what}`);
  console.log(
    `${count} seeds, ${events} events in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(1)} seeds/s); ${reports.length} failed`,
  );
  return reports.length === 0;
}

export async function runOne(
  seed: number,
  options: Pick<PoolOptions, "bug" | "amnesia" | "workload">,
): Promise<boolean> {
  const [line] = await runSeeds([seed], options);
  console.log(
    line!.violations.length === 0
      ? `seed ${seed}: ${line!.events} events, nothing found`
      : `${line!.violations.join("\n")}\n${line!.report}`,
  );
  return line!.violations.length === 0;
}

export interface Found {
  readonly seeds: number;
  readonly seed: number;
  readonly what: string;
}

/** How many seeds it takes, in the order of the seeds, until the checks find the bug. */
export async function findBug(
  rule: string,
  first: number,
  most: number,
  options: Pick<PoolOptions, "processes"> = {},
): Promise<Found | undefined> {
  const lines = await runSeeds(seedsFrom(first, most), { ...options, bug: rule, untilFound: true });
  const failed = lines
    .filter((line) => line.violations.length > 0)
    .toSorted((a, b) => a.seed - b.seed)[0];
  return (
    failed && {
      seeds: failed.seed - first + 1,
      seed: failed.seed,
      what: failed.violations[0]!.split("\n")[0]!,
    }
  );
}

export async function runBug(rule: string, first: number, most: number): Promise<boolean> {
  const bug = BUGS.find((each) => each.rule === rule);
  if (!bug)
    throw new Error(`there is no bug '${rule}'; there are ${BUGS.map((b) => b.rule).join(", ")}`);
  const found = await findBug(rule, first, most);
  console.log(`${rule}: ${bug.breaks}`);
  console.log(
    found
      ? `found after ${found.seeds} seeds, by seed ${found.seed}: ${found.what}`
      : `not found in ${most} seeds`,
  );
  return found !== undefined;
}

export async function printBugTable(
  first: number,
  only: string | undefined,
  most = 2_000,
): Promise<boolean> {
  let all = true;
  console.log(`from seed ${first}, of commit ${commit()}`);
  for (const { rule, breaks } of BUGS) {
    if (only && !rule.startsWith(only)) continue;
    const found = await findBug(rule, first, most);
    all &&= found !== undefined;
    console.log(
      `${rule.padEnd(24)} ${String(found?.seeds ?? "not found").padStart(9)}  ${breaks}\n${" ".repeat(35)} ${found?.what.slice(0, 140) ?? ""}`,
    );
  }
  for (const { rule, why } of UNSWITCHABLE) console.log(`${rule.padEnd(24)}         –  ${why}`);
  return all;
}

/** Line coverage of the parts that the simulation is to prove, reached by it alone. False when a part is under 90 %. */
export async function printCoverage(seeds: number): Promise<boolean> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  // The run that this belongs to counts its own tests.
  const { TENURE_COUNT_FILE: _, CI: _ci, ...ownEnv } = process.env;
  const out = mkdtempSync(join(tmpdir(), "tenure-sim-coverage-"));
  try {
    const include = PROVED.map((part) => `--coverage.include=packages/${part}/**`);
    const vitest = spawn(
      process.execPath,
      [
        join(root, "node_modules/vitest/vitest.mjs"),
        "run",
        "--project=sim-coverage",
        "--coverage",
        "--coverage.reporter=json-summary",
        `--coverage.reportsDirectory=${out}`,
        "--coverage.exclude=**/*.test.ts",
        ...include,
      ],
      { cwd: root, stdio: "inherit", env: { ...ownEnv, TENURE_SIM_COVERAGE: String(seeds) } },
    );
    const code = await new Promise((resolve) => vitest.on("close", resolve));
    if (code !== 0) return false;
    const summary = JSON.parse(readFileSync(join(out, "coverage-summary.json"), "utf8")) as Record<
      string,
      { lines: { total: number; covered: number } }
    >;
    let good = true;
    for (const part of PROVED) {
      const files = Object.entries(summary).filter(
        ([file, { lines }]) =>
          file.includes(`/packages/${part}/`) && lines.total > 0 && !isReplaced(file),
      );
      const sum = (key: "total" | "covered"): number =>
        files.reduce((all, [, { lines }]) => all + lines[key], 0);
      const share = (100 * sum("covered")) / Math.max(1, sum("total"));
      good &&= share >= LEAST_COVERED;
      console.log(`${share.toFixed(1).padStart(6)} % of lines  ${part}`);
      for (const [file, { lines }] of files)
        if ((100 * lines.covered) / Math.max(1, lines.total) < LEAST_COVERED)
          console.log(
            `${" ".repeat(12)} ${lines.covered} of ${lines.total}  ${relative(root, file)}`,
          );
    }
    console.log(`${" ".repeat(12)} not counted: ${REPLACED.join(", ")} (${WHY_REPLACED})`);
    return good;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

const PROVED = [
  "directory/src",
  "runtime/src/activation",
  "runtime/src/catalog",
  "runtime/src/cluster",
] as const;
const LEAST_COVERED = 90;
/** In their place the simulation has tables that forget. */
const REPLACED = [
  "directory/src/memory-directory.ts",
  "directory/src/memory-storage.ts",
  "directory/src/memory-step.ts",
] as const;
const WHY_REPLACED =
  "the simulation has a store of its own in their place; the conformance suites prove them";

function isReplaced(file: string): boolean {
  return REPLACED.some((path) => file.endsWith(path));
}
