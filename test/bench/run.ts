// `pnpm bench`: every row against its raw ceiling in the same run. docs/PERFORMANCE.md is its guide.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { startNatsServer, startRedisServer } from "../../examples/support/private-servers.ts";
import { bundleContestants } from "./bundle.ts";
import type { RowResult } from "./measure.ts";
import { tableOf, verdictsOf } from "./report.ts";
import { type Bench, type RowId, ROWS } from "./rows.ts";

export const RESULTS = new URL("../../bench/results/", import.meta.url);

/** Written at least once a second, and never rewritten while somebody measures. */
export const EVERY_SECOND = "appendfsync everysec\nauto-aof-rewrite-percentage 0\n";

export type BenchOptions = Omit<Bench, "nats" | "redis">;

export async function runRows(
  ids: readonly RowId[],
  options: BenchOptions,
): Promise<readonly RowResult[]> {
  await bundleContestants();
  const results: RowResult[] = [];
  for (const id of ids) {
    // Its own servers for each: what one row has stored costs the next nothing.
    await using nats = await startNatsServer();
    await using redis = await startRedisServer({ config: EVERY_SECOND });
    const rows = await ROWS[id]({ ...options, nats, redis });
    process.stdout.write(`${tableOf(rows)}\n`);
    results.push(...rows);
  }
  return results;
}

export function writeResults(name: string, content: object): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL(`${name}.json`, RESULTS), `${JSON.stringify(content, undefined, 2)}\n`);
}

/** What figures must not be told without. */
export function machine(): object {
  const [cpu] = cpus();
  return {
    processor: cpu?.model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

export function recordOf(rows: readonly RowResult[]): object {
  return {
    machine: machine(),
    rows: rows.map((row) => ({ ...row, ratios: verdictsOf(row) })),
  };
}
