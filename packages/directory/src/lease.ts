// The silo lease: a right to serve that ends at a time unless renewed (Gray and Cheriton 1989). Pure arithmetic; the loop
// that acts on it is lease-keeper.ts.
//   L1. A silo serves only while less than TTL·(1−ρ) − margin has passed since it *sent* its newest acknowledged renewal.
//   L2. An observer calls a silo dead only after TTL·(1+2ρ) of unbroken watching of one rev. So the owner has stopped
//       before anyone can say so, whatever the two clocks say, as long as each runs within ρ of true rate (A3).
//       An observer whose own renewals do not go on may be cut off together with those it watches: it calls nobody dead.
//       Else, when the transport fails for all, the one that renewed last would do so to the others before it pauses.
//   L3. When the wall clock and the clocks that measure the lease disagree by more than the margin, one of them cannot be
//       trusted: the silo serves again only after a renewal that was sent after the jump.

/** How far a clock's rate may be off. */
export const CLOCK_DRIFT = 0.001;
/** A silo that was paused longer than this gives its activations up anyway. */
export const PAUSE_LIMIT_MS = 60_000;

export interface LeaseTiming {
  readonly ttlMs: number;
  /** From one renewal round to the next. */
  readonly roundMs: number;
  /** How long a round waits for the silo's message to itself. */
  readonly probeMs: number;
  /** How soon after a skipped round the next begins. */
  readonly retryMs: number;
  /** What is kept back for the time between a check and what follows from it. */
  readonly marginMs: number;
  /** L1. */
  readonly serveMs: number;
  /** L2. */
  readonly watchMs: number;
  /** An observer's own newest renewal is at most so old: one skipped round. What it watches is older by a round (L2). */
  readonly witnessMs: number;
  /** Two polls further apart than this broke the watching. */
  readonly maxPollGapMs: number;
}

export function leaseTiming(ttlMs: number): LeaseTiming {
  const marginMs = Math.max(250, ttlMs / 20);
  return {
    ttlMs,
    roundMs: ttlMs / 3,
    probeMs: ttlMs / 6,
    retryMs: ttlMs / 12,
    marginMs,
    serveMs: ttlMs * (1 - CLOCK_DRIFT) - marginMs,
    watchMs: ttlMs * (1 + 2 * CLOCK_DRIFT),
    witnessMs: ttlMs / 3 + ttlMs / 6 + ttlMs / 12,
    maxPollGapMs: (2 * ttlMs) / 3,
  };
}

/** What three clocks say has passed since the newest acknowledged renewal was sent. */
export interface Passed {
  /** Suspended time included: decides (R5). */
  readonly elapsedMs: number;
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export type LeaseState = "holds" | "lapsed" | "wall-clock-jumped";

export function leaseState(passed: Passed, timing: LeaseTiming): LeaseState {
  if (passed.elapsedMs >= timing.serveMs) return "lapsed";
  // The monotonic clock leaves suspended time out, the wall clock may or may not: it is right anywhere between them (L3).
  const back = passed.monotonicMs - passed.wallMs;
  const ahead = passed.wallMs - passed.elapsedMs;
  return Math.max(back, ahead) > timing.marginMs ? "wall-clock-jumped" : "holds";
}

/** What a lease is decided by, as a value: a simulation can hand in broken decisions. */
export interface LeaseRules {
  readonly leaseTiming: typeof leaseTiming;
  readonly leaseState: typeof leaseState;
}

export const leaseRules: LeaseRules = { leaseTiming, leaseState };
