// Which turns may run beside which: pure functions, the whole concurrency contract of an activation.
//   A1. Turns of independent calls run beside each other as their modes allow, and no others.
//   A2. A call of the chain of a turn that runs here cannot wait for that turn. Where it may not run beside it, it is a deadlock;
//       under 'chain' it is let in. Turns that are not of its chain it waits for like any other call, but ahead of those
//       that wait for a turn of its chain themselves.
//   A3. A turn with an idempotency key lets none in: it is committed whole, together with its key.
//   A4. Under 'full' everything runs beside everything, but for calls of one key: the later finds the record of the first (R21).
import type { IdempotencyKey, MethodMode, Reentrancy } from "@tenure/core/internal";

export interface RunningModes {
  readonly write: number;
  readonly read: number;
  readonly interleave: number;
}

/**
 * Whether a turn of `mode` may start beside those that run: a `write` beside nothing but `interleave`s, a `read` beside
 * anything but a `write`, an `interleave` always.
 */
export function mayStart(mode: MethodMode, running: RunningModes): boolean {
  switch (mode) {
    case "write":
      return running.write === 0 && running.read === 0;
    case "read":
      return running.write === 0;
    case "interleave":
      return true;
  }
}

/** Whether a turn may start beside one that runs. */
export function mayRunBeside(
  mode: MethodMode,
  one: MethodMode,
  rule: typeof mayStart = mayStart,
): boolean {
  return rule(mode, { write: 0, read: 0, interleave: 0, [one]: 1 });
}

/** A turn as others see it that want to start beside it. */
export interface SeenTurn {
  readonly mode: MethodMode;
  /** What it holds until its end: see {@link keyLane}. */
  readonly lane: string | undefined;
}

/** What becomes of a call of the chain of turns that run here, or of any call under 'full'. */
export type Verdict =
  | "start"
  | "wait"
  /** It waits, and those behind which it would otherwise stand wait for a turn of its chain. */
  | "wait-ahead"
  | "deadlock"
  /** Under 'chain', by A3. */
  | "deadlock-keyed";

/** `own`: the turns of the call's own chain that run here. `others`: those that run here besides. */
export function admit(
  call: SeenTurn,
  own: readonly SeenTurn[],
  others: { readonly running: RunningModes; readonly lanes: ReadonlySet<string> },
  reentrancy: Reentrancy,
  rule: typeof mayStart = mayStart,
): Verdict {
  const { mode, lane } = call;
  if (reentrancy === "full") {
    if (lane === undefined) return "start";
    if (own.some((turn) => turn.lane === lane)) return "deadlock-keyed";
    return others.lanes.has(lane) ? "wait" : "start";
  }
  const inTheWay = own.filter((turn) => !mayRunBeside(mode, turn.mode, rule));
  if (inTheWay.length > 0 && reentrancy === "detect") return "deadlock";
  if (inTheWay.some((turn) => turn.lane !== undefined)) return "deadlock-keyed";
  if (rule(mode, others.running)) return "start";
  return own.some((turn) => turn.mode !== "interleave") ? "wait-ahead" : "wait";
}

/** Calls that may not run at once whatever else may: those of one key, or of one sender's numbers. Undefined: it has none. */
export function keyLane(key: IdempotencyKey | undefined, mode: MethodMode): string | undefined {
  if (key === undefined || mode !== "write") return undefined;
  return typeof key === "string" ? `k${key}` : `s${key.sender}`;
}
