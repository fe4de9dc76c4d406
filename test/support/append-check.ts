// Checks a recorded history of an append-only list against what the store holds at the end. O(n log n).
//   C1. duplicate: nothing stands in the list twice.        C2. phantom: nothing stands there that was never sent.
//   C3. lost: what was acknowledged is there, at the index that was acknowledged, over the same prefix (fork).
//   C4. ghost: what was reported as not executed is not there.
//   C5. order: what returned before something else was called stands before it.
export interface AppendRecord {
  readonly item: string;
  readonly calledMs: number;
  readonly returnedMs: number;
  readonly outcome: "ok" | "not-executed" | "unknown";
  readonly index?: number;
  readonly hash?: string;
}

export interface Violation {
  readonly rule: "duplicate" | "phantom" | "lost" | "fork" | "ghost" | "order";
  readonly detail: string;
}

export function checkAppends(
  history: readonly AppendRecord[],
  stored: readonly string[],
  hashOfPrefix: (length: number) => string,
): readonly Violation[] {
  const found: Violation[] = [];
  const at = new Map<string, number>();
  for (const [index, item] of stored.entries()) {
    if (at.has(item))
      found.push({ rule: "duplicate", detail: `${item} stands at ${at.get(item)} and ${index}` });
    else at.set(item, index);
  }
  const byItem = new Map(history.map((record) => [record.item, record]));
  for (const item of at.keys())
    if (!byItem.has(item)) found.push({ rule: "phantom", detail: `${item} was never sent` });
  for (const record of history) found.push(...checkOne(record, at.get(record.item), hashOfPrefix));
  return [...found, ...checkOrder(byItem, stored)];
}

function checkOne(
  record: AppendRecord,
  index: number | undefined,
  hashOfPrefix: (length: number) => string,
): readonly Violation[] {
  const { item, outcome } = record;
  if (outcome === "not-executed")
    return index === undefined
      ? []
      : [{ rule: "ghost", detail: `${item} was reported as not executed and stands at ${index}` }];
  if (outcome === "unknown") return [];
  if (index === undefined)
    return [{ rule: "lost", detail: `${item} was acknowledged and is gone` }];
  if (record.index !== index || record.hash !== hashOfPrefix(index + 1))
    return [
      {
        rule: "fork",
        detail: `${item} was acknowledged at ${record.index} and stands at ${index}, or over another prefix`,
      },
    ];
  return [];
}

function checkOrder(
  byItem: ReadonlyMap<string, AppendRecord>,
  stored: readonly string[],
): readonly Violation[] {
  const found: Violation[] = [];
  let latestCall = -Infinity;
  let latestItem = "";
  for (const item of stored) {
    const record = byItem.get(item);
    if (!record) continue;
    if (record.outcome === "ok" && record.returnedMs < latestCall)
      found.push({
        rule: "order",
        detail: `${item} had returned before ${latestItem} was called, yet stands after it`,
      });
    if (record.calledMs > latestCall) {
      latestCall = record.calledMs;
      latestItem = item;
    }
  }
  return found;
}
