// `pnpm bench:smoke`: the rows of the table in short runs, and their ratios against what is recorded in bench/results/smoke.json.
//   SM1. A row with a ratio that has fallen is measured again, up to twice while there is time, and the best counts: what is
//        true once is true.
//   SM2. The last lines say which pairs are left out, and why. One that has fallen is an error.
//   SM3. A record is made of several whole runs, so that it knows how far each ratio swings. What could not be compared in them stays
//        as it was recorded before (GU5), and so does what was lower there (GU6).
import { existsSync, readFileSync } from "node:fs";
import { pairsOf, type Recorded, recordOf, TRIES, type Tried, tryOf, verdictOf } from "./guard.ts";
import type { RowResult } from "./measure.ts";
import { machine, RESULTS, runRows, writeResults } from "./run.ts";
import type { RowId } from "./rows.ts";

const FILE = "smoke";
/** No takeover: nothing is done by hand to compare it with. */
const ROWS: readonly RowId[] = ["local", "remote", "durable", "memory"];
const SHORT = { repetitions: 5, runMs: 150, idle: 18_000, flags: [] };
/** All of it takes less than a minute: after this nothing is tried again. */
const TRY_UNTIL_MS = 48_000;

interface SmokeRecord {
  readonly pairs: readonly Recorded[];
}

/** True: nothing has fallen. */
export async function smoke(): Promise<boolean> {
  const { pairs } = readRecord();
  const untilMs = performance.now() + TRY_UNTIL_MS;
  const tries: Tried[] = [];
  let due: readonly RowId[] = ROWS;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const missed: RowId[] = [];
    for (const id of due) {
      if (attempt > 0 && performance.now() > untilMs) break;
      const again = await tryRow(id);
      tries.push(...again);
      if (again.some((tried) => judge(pairs, tries, tried).kind === "fallen")) missed.push(id);
    }
    due = missed; // SM1
  }
  return tell(pairs, tries);
}

/** `anew`: the rows of which nothing is kept that was recorded before (GU6). */
export async function record(runs: number, anew: readonly string[]): Promise<void> {
  const tries: Tried[] = [];
  for (let run = 0; run < runs; run++) for (const id of ROWS) tries.push(...(await tryRow(id)));
  const before = existsSync(new URL(`${FILE}.json`, RESULTS)) ? readRecord().pairs : [];
  const pairs = [...grouped(tries)].map(([key, all]) =>
    recordOf(
      all,
      before.find((pair) => keyOf(pair) === key),
      anew.includes(all[0]!.row),
    ),
  );
  for (const { row, against, ratio, leftOut } of pairs)
    console.log(
      `${`${row} / ${against}`.padEnd(48)} ${shown(ratio.median)} (${shown(ratio.min)} – ${shown(ratio.max)}) ${leftOut ?? ""}`,
    );
  writeResults(FILE, { machine: machine(), runs, pairs });
}

async function tryRow(id: RowId): Promise<readonly Tried[]> {
  const rows: readonly RowResult[] = await runRows([id], SHORT);
  return rows.flatMap((row) => pairsOf(row).map(({ against }) => tryOf(row, against)));
}

function judge(pairs: readonly Recorded[], tries: readonly Tried[], one: Tried) {
  const is = (other: { row: string; against: string }): boolean => keyOf(other) === keyOf(one);
  return verdictOf(pairs.find(is), tries.filter(is));
}

/** SM2 */
function tell(pairs: readonly Recorded[], tries: readonly Tried[]): boolean {
  const leftOut: string[] = [];
  let fallen = 0;
  console.log("");
  for (const [key, [one]] of grouped(tries)) {
    const verdict = judge(pairs, tries, one!);
    if (verdict.kind === "left out") leftOut.push(`left out: ${key}: ${verdict.why}`);
    else {
      if (verdict.kind === "fallen") fallen += 1;
      const word = verdict.kind === "fallen" ? "FALLEN" : "kept";
      console.log(
        `${key.padEnd(48)} ${shown(verdict.ratio)}, ${verdict.part.toFixed(2)} of what is recorded: ${word}`,
      );
    }
  }
  const known = new Set(tries.map(keyOf));
  for (const pair of pairs)
    if (!known.has(keyOf(pair))) leftOut.push(`left out: ${keyOf(pair)}: recorded, not measured`);
  for (const line of leftOut) console.log(line);
  console.log(`${grouped(tries).size - leftOut.length} ratios guarded, ${fallen} fallen`);
  return fallen === 0;
}

function grouped(tries: readonly Tried[]): ReadonlyMap<string, readonly Tried[]> {
  const groups = new Map<string, Tried[]>();
  for (const tried of tries) {
    const group = groups.get(keyOf(tried));
    if (group) group.push(tried);
    else groups.set(keyOf(tried), [tried]);
  }
  return groups;
}

function keyOf({ row, against }: { readonly row: string; readonly against: string }): string {
  return `${row} / ${against}`;
}

function shown(ratio: number): string {
  return ratio.toPrecision(3);
}

function readRecord(): SmokeRecord {
  const file = new URL(`${FILE}.json`, RESULTS);
  if (!existsSync(file)) throw new Error("no record: pnpm bench:smoke --record");
  return JSON.parse(readFileSync(file, "utf8")) as SmokeRecord;
}
