// An open loop: calls come when they come, whether or not the ones before are answered, as from many users who know nothing of
// each other.
//   OL1. A call's time counts from when it was due, not from when this process got round to it: a caller that falls behind
//        hides nothing.
//   OL2. What became of every call is noted, and the loop ends with the last of them.
import { OverloadedError, TenureError } from "tenure";
import { percentile } from "./statistics.ts";

export interface Offer {
  readonly perSecond: number;
  readonly forMs: number;
}

export interface Window {
  /** Since the loop began. */
  readonly fromMs: number;
  readonly answered: number;
  readonly p50Ms: number;
}

export interface Times {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Offered {
  readonly offered: number;
  readonly elapsedMs: number;
  /** While calls were offered: what came later drained. */
  readonly answeredPerSecond: number;
  readonly answered: Times | undefined;
  readonly refused: Times | undefined;
  /** Refusals that are no OverloadedError, not `not-executed`, or say not when to come again. */
  readonly untyped: number;
  /** All other failures, by code. */
  readonly failures: Readonly<Record<string, number>>;
  /** From the last call that was offered to the last that was settled. */
  readonly settledAfterMs: number;
  readonly windows: readonly Window[];
}

export const WINDOW_MS = 200;
/** How far behind a burst may be made up for in one turn of the event loop. */
const BURST = 512;

export async function openLoop(
  { perSecond, forMs }: Offer,
  call: (n: number) => Promise<unknown>,
  stop?: AbortSignal,
): Promise<Offered> {
  const startMs = performance.now();
  const answered: number[] = [];
  const refused: number[] = [];
  const failures: Record<string, number> = {};
  const windows: number[][] = [];
  let sent = 0;
  let open = 0;
  let untyped = 0;
  let answeredInTime = 0;
  let offering = true;
  let lastMs = startMs;
  let drained = (): void => undefined;
  const all = new Promise<void>((resolve) => {
    drained = resolve;
  });
  const settled = (): void => {
    open -= 1;
    lastMs = performance.now();
    if (open === 0 && !offering) drained();
  };
  const one = (n: number): void => {
    const dueMs = startMs + (n * 1_000) / perSecond; // OL1
    open += 1;
    call(n).then(
      () => {
        const nowMs = performance.now();
        answered.push(nowMs - dueMs);
        if (offering) answeredInTime += 1;
        (windows[Math.floor((nowMs - startMs) / WINDOW_MS)] ??= []).push(nowMs - dueMs);
        settled();
      },
      (error: unknown) => {
        if (error instanceof OverloadedError) {
          refused.push(performance.now() - dueMs);
          if (error.outcome !== "not-executed" || error.retryAfterMs === undefined) untyped += 1;
        } else {
          const code = error instanceof TenureError ? error.code : String(error);
          failures[code] = (failures[code] ?? 0) + 1;
        }
        settled();
      },
    );
  };
  while (performance.now() - startMs < forMs && !stop?.aborted) {
    // The n-th is due n periods after the start: the first at once.
    const due = 1 + Math.floor(((performance.now() - startMs) * perSecond) / 1_000);
    for (const end = Math.min(due, sent + BURST); sent < end; sent++) one(sent);
    // Between bursts the process sleeps: one that spins would take from the machine what is measured.
    await new Promise((resolve) => (sent < due ? setImmediate(resolve) : setTimeout(resolve, 1)));
  }
  const endMs = performance.now();
  offering = false;
  if (open > 0) await all;
  return {
    offered: sent,
    elapsedMs: endMs - startMs,
    answeredPerSecond: (answeredInTime * 1_000) / (endMs - startMs),
    answered: timesOf(answered),
    refused: timesOf(refused),
    untyped,
    failures,
    settledAfterMs: Math.max(0, lastMs - endMs),
    windows: Array.from(windows, (times, i) => ({
      fromMs: i * WINDOW_MS,
      answered: times?.length ?? 0,
      p50Ms: times ? percentile(times, 0.5) : Infinity,
    })),
  };
}

function timesOf(times: readonly number[]): Times | undefined {
  if (times.length === 0) return undefined;
  return {
    count: times.length,
    p50Ms: percentile(times, 0.5),
    p90Ms: percentile(times, 0.9),
    p99Ms: percentile(times, 0.99),
    maxMs: percentile(times, 1),
  };
}
