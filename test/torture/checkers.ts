// Checks a recorded history: ledgers as append-only lists, tallies as exactly once per key, registers as linearizable.
//   T1. Where the storage lost everything, what was called before that may be gone; what was called after it may not.
//   T2. An error that is no CallError and that no method throws is a violation: callers cannot know what it means.
import {
  type AppendOutcome,
  checkAppends,
  checkLinearizable,
  checkOncePerKey,
  type Model,
  type Operation,
} from "@tenure/testing";
import { type Appended, hashOf } from "../support/ledger.ts";
import { type ActorName, type CallRecord, type History, type Op, typeOf } from "./history.ts";

export interface Violation {
  readonly actor: ActorName | undefined;
  readonly rule: string;
  readonly detail: string;
  /** A time to look at. */
  readonly calledMs: number | undefined;
}

export interface Checked {
  readonly violations: readonly Violation[];
  /** Registers whose history took too long to search, or spans a loss (T1). */
  readonly undecided: number;
}

const MOST_STEPS = 3_000_000;

export function checkHistory(history: History): Checked {
  const violations: Violation[] = [];
  let undecided = 0;
  for (const [actor, records] of byActor(history.records)) {
    const report = (found: Omit<Violation, "actor">): number =>
      violations.push({ ...found, actor });
    records
      .filter(isOdd)
      .forEach(({ op, error, calledMs }) =>
        report({ rule: "untyped", detail: `${op.kind}: ${error}`, calledMs }),
      );
    if (!history.stored.has(actor)) {
      report({ rule: "unread", detail: "it could not be read at the end", calledMs: undefined });
      continue;
    }
    switch (typeOf(actor)) {
      case "ledger":
        checkLedger(records, listOf(history, actor), lostUntil(history)).forEach(report);
        break;
      case "tally":
        checkTally(records, listOf(history, actor), lostUntil(history)).forEach(report);
        break;
      case "register": {
        const verdict = checkRegister(records, history, actor);
        if (verdict === "undecided") undecided += 1;
        else if (verdict) report(verdict);
      }
    }
  }
  return { violations, undecided };
}

function byActor(records: readonly CallRecord[]): ReadonlyMap<ActorName, readonly CallRecord[]> {
  const groups = new Map<ActorName, CallRecord[]>();
  for (const record of records) {
    const group = groups.get(record.actor);
    if (group) group.push(record);
    else groups.set(record.actor, [record]);
  }
  return groups;
}

/** T2 */
function isOdd({ op, outcome }: CallRecord): boolean {
  return outcome === "threw" && op.kind !== "fail";
}

/** T1: nothing that was called before is certain. */
function lostUntil({ losses }: History): number {
  return Math.max(-Infinity, ...losses.map(({ toMs }) => toMs));
}

function listOf({ stored }: History, actor: ActorName): readonly string[] {
  return stored.get(actor) as readonly string[];
}

type Found = readonly Omit<Violation, "actor">[];

function checkLedger(
  records: readonly CallRecord[],
  items: readonly string[],
  lostMs: number,
): Found {
  const appends = records.flatMap(({ op, calledMs, returnedMs, outcome, value }) => {
    if (op.kind !== "append" && op.kind !== "fail") return [];
    const certain: AppendOutcome = outcome === "ok" && calledMs < lostMs ? "unknown" : outcome;
    const { index, hash } = (value ?? {}) as Partial<Appended>;
    return [{ item: op.item, calledMs, returnedMs, outcome: certain, index, prefix: hash }];
  });
  // The new line has begun for sure when something that was called after the loss was acknowledged.
  const beganMs =
    lostMs === -Infinity
      ? -Infinity
      : Math.min(
          Infinity,
          ...appends
            .filter(({ outcome, calledMs }) => outcome === "ok" && calledMs >= lostMs)
            .map(({ returnedMs }) => returnedMs),
        );
  const reads = records.flatMap(({ op, calledMs, returnedMs, outcome, value }) => {
    if (op.kind !== "peek" || outcome !== "ok" || calledMs < beganMs) return [];
    const { length, last, hash } = value as { length: number; last?: string; hash: string };
    return [{ calledMs, returnedMs, length, last, prefix: hash }];
  });
  return checkAppends(appends, reads, items, (length) => hashOf(items.slice(0, length)));
}

function checkTally(
  records: readonly CallRecord[],
  keys: readonly string[],
  lostMs: number,
): Found {
  const calls = records.flatMap(({ op, calledMs, outcome, value }) =>
    op.kind === "credit"
      ? [{ key: op.key, calledMs, outcome, ...(outcome === "ok" ? { result: String(value) } : {}) }]
      : [],
  );
  const uncertain = new Set(
    calls.filter(({ calledMs }) => calledMs < lostMs).map(({ key }) => key),
  );
  const effects = keys.map((key, index) => ({ key, result: String(index) }));
  const certain = <T extends { readonly key: string }>(each: readonly T[]): readonly T[] =>
    each.filter(({ key }) => !uncertain.has(key));
  return checkOncePerKey(certain(calls), certain(effects));
}

// ---- registers -----------------------------------------------------------------------------------------------------

type RegisterOp = Extract<Op, { kind: "put" | "swap" | "get" }>;

/** Outputs as text: "" of a put, "true" or "false" of a swap, the value of a get. */
const REGISTER: Model<string, RegisterOp, string> = {
  initial: "",
  step(state, op, output) {
    switch (op.kind) {
      case "put":
        return op.value;
      case "get":
        return output === undefined || output === state ? state : undefined;
      case "swap": {
        const swaps = state === op.expected;
        if (output !== undefined && output !== String(swaps)) return undefined;
        return swaps ? op.value : state;
      }
    }
  },
  key: (state) => state,
};

function checkRegister(
  records: readonly CallRecord[],
  history: History,
  actor: ActorName,
): Omit<Violation, "actor"> | "undecided" | undefined {
  const firstMs = Math.min(...records.map(({ calledMs }) => calledMs));
  if (firstMs < lostUntil(history)) return "undecided";
  const operations = records.flatMap((record): Operation<RegisterOp, string>[] => {
    const { calledMs, returnedMs, outcome, value } = record;
    const op = record.op as RegisterOp;
    // Not executed: it must not show anywhere. An unknown read shows nothing and changes nothing.
    if (outcome === "not-executed" || outcome === "threw") return [];
    if (outcome === "unknown")
      return op.kind === "get" ? [] : [{ input: op, calledMs, returned: undefined }];
    const output = op.kind === "put" ? "" : String(value);
    return [{ input: op, calledMs, returned: { atMs: returnedMs, output } }];
  });
  const output = history.stored.get(actor) as string;
  const atMs = history.storedMs;
  operations.push({ input: { kind: "get" }, calledMs: atMs, returned: { atMs, output } });
  switch (checkLinearizable(REGISTER, operations, MOST_STEPS)) {
    case "linearizable":
      return undefined;
    case "too-hard":
      return "undecided";
    case "not-linearizable":
      return {
        rule: "not-linearizable",
        detail: `no order of its ${operations.length} calls explains them`,
        calledMs: firstMs,
      };
  }
}
