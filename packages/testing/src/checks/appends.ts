// Checks a recorded history of an append-only list against what the store holds at the end. O(n log n).
//   C1. duplicate: nothing stands in the list twice.        C2. phantom: nothing stands there that was never sent.
//   C3. lost: what was acknowledged is there; at the index, and over the prefix, that was acknowledged (fork).
//   C4. ghost: what was reported as not executed, or threw, is not there.
//   C5. order: what returned before something else was called stands before it.
//   C6. reads: each saw a prefix of the final list (fork), at some time between its call and its return (stale, future),
//       and never less than a read that had returned before it was called (backwards).
// Every read that was answered must fit, so a history is linearizable exactly when nothing is found.
export type AppendOutcome = "ok" | "not-executed" | "threw" | "unknown";

export interface AppendRecord {
  readonly item: string;
  readonly calledMs: number;
  readonly returnedMs: number;
  readonly outcome: AppendOutcome;
  readonly index?: number | undefined;
  /** A digest of the list up to this item, as it was acknowledged. */
  readonly prefix?: string | undefined;
}

/** A read that was answered: how long the list was, its last item, and a digest of the whole. */
export interface ReadRecord {
  readonly calledMs: number;
  readonly returnedMs: number;
  readonly length: number;
  readonly last: string | undefined;
  readonly prefix?: string | undefined;
}

/** The digest of the first so many items of the final list, to compare recorded ones with. */
export type PrefixDigest = (length: number) => string;

export interface AppendViolation {
  readonly rule:
    | "duplicate"
    | "phantom"
    | "lost"
    | "fork"
    | "ghost"
    | "order"
    | "stale"
    | "future"
    | "backwards";
  readonly detail: string;
  /** When the call was made that shows it; undefined where nobody made one. */
  readonly calledMs: number | undefined;
}

export function checkAppends(
  appends: readonly AppendRecord[],
  reads: readonly ReadRecord[],
  stored: readonly string[],
  prefixDigest?: PrefixDigest,
): readonly AppendViolation[] {
  const found: AppendViolation[] = [];
  const at = new Map<string, number>();
  const byItem = new Map(appends.map((record) => [record.item, record]));
  for (const [index, item] of stored.entries())
    if (at.has(item))
      found.push({
        rule: "duplicate",
        detail: `${item} stands at ${at.get(item)} and ${index}`,
        calledMs: byItem.get(item)?.calledMs,
      });
    else at.set(item, index);
  for (const item of at.keys())
    if (!byItem.has(item))
      found.push({ rule: "phantom", detail: `${item} was never sent`, calledMs: undefined });
  for (const record of appends) {
    const problem = checkOne(record, at.get(record.item), prefixDigest);
    if (problem) found.push({ ...problem, calledMs: record.calledMs });
  }
  return [
    ...found,
    ...checkOrder(byItem, stored),
    ...checkReads(reads, byItem, at, stored, prefixDigest),
  ];
}

function checkOne(
  { item, outcome, index, prefix }: AppendRecord,
  stands: number | undefined,
  prefixDigest: PrefixDigest | undefined,
): Pick<AppendViolation, "rule" | "detail"> | undefined {
  switch (outcome) {
    case "unknown":
      return undefined;
    case "not-executed":
    case "threw":
      return stands === undefined
        ? undefined
        : { rule: "ghost", detail: `${item} was reported as ${outcome} and stands at ${stands}` };
    case "ok":
      if (stands === undefined)
        return { rule: "lost", detail: `${item} was acknowledged and is gone` };
      if (stands !== index)
        return {
          rule: "fork",
          detail: `${item} was acknowledged at ${index} and stands at ${stands}`,
        };
      return isPrefix(prefix, stands + 1, prefixDigest)
        ? undefined
        : { rule: "fork", detail: `${item} was acknowledged over other items than it stands on` };
  }
}

function isPrefix(
  prefix: string | undefined,
  length: number,
  prefixDigest: PrefixDigest | undefined,
): boolean {
  return prefix === undefined || prefixDigest === undefined || prefixDigest(length) === prefix;
}

function checkOrder(
  byItem: ReadonlyMap<string, AppendRecord>,
  stored: readonly string[],
): readonly AppendViolation[] {
  const found: AppendViolation[] = [];
  let latestMs = -Infinity;
  let latest = "";
  for (const item of stored) {
    const record = byItem.get(item);
    if (!record) continue;
    if (record.outcome === "ok" && record.returnedMs < latestMs)
      found.push({
        rule: "order",
        detail: `${item} had returned before ${latest} was called, yet stands after it`,
        calledMs: record.calledMs,
      });
    if (record.calledMs > latestMs) [latestMs, latest] = [record.calledMs, item];
  }
  return found;
}

function checkReads(
  reads: readonly ReadRecord[],
  byItem: ReadonlyMap<string, AppendRecord>,
  at: ReadonlyMap<string, number>,
  stored: readonly string[],
  prefixDigest: PrefixDigest | undefined,
): readonly AppendViolation[] {
  const found: AppendViolation[] = [];
  // What is acknowledged by a time is seen by whatever is called after it.
  const acknowledged = new Floor(
    [...byItem.values()]
      .filter((record) => record.outcome === "ok" && at.has(record.item))
      .map((record) => ({ atMs: record.returnedMs, length: at.get(record.item)! + 1 })),
  );
  const seen = new Floor(reads.map((read) => ({ atMs: read.returnedMs, length: read.length })));
  const calledBy: number[] = [-Infinity];
  for (const [index, item] of stored.entries())
    calledBy.push(Math.max(calledBy[index]!, byItem.get(item)?.calledMs ?? -Infinity));
  for (const { calledMs, returnedMs, length, last, prefix } of reads) {
    const what = `a read of ${length} at ${calledMs.toFixed(1)}`;
    const report = (rule: AppendViolation["rule"], detail: string): void => {
      found.push({ rule, detail, calledMs });
    };
    if (
      length > stored.length ||
      last !== stored[length - 1] ||
      !isPrefix(prefix, length, prefixDigest)
    ) {
      report("fork", `${what} saw ${last}, which was never stored there, or over other items`);
      continue;
    }
    const atLeast = acknowledged.before(calledMs);
    if (length < atLeast) report("stale", `${what}: ${atLeast} had been acknowledged before`);
    if (calledBy[length]! > returnedMs)
      report("future", `${what} returned before its last append was called`);
    const read = seen.before(calledMs);
    if (length < read) report("backwards", `${what}: a read of ${read} had returned before`);
  }
  return found;
}

/** The longest length that was known before a time. */
class Floor {
  readonly #times: readonly number[];
  readonly #lengths: readonly number[];

  constructor(points: readonly { readonly atMs: number; readonly length: number }[]) {
    const sorted = points.toSorted((a, b) => a.atMs - b.atMs);
    let longest = 0;
    this.#times = sorted.map((point) => point.atMs);
    this.#lengths = sorted.map((point) => (longest = Math.max(longest, point.length)));
  }

  before(atMs: number): number {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[middle]! < atMs) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#lengths[low - 1]!;
  }
}
