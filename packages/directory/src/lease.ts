// The silo lease: a right to serve that ends at a time unless renewed (Gray and Cheriton 1989). Pure arithmetic; the loop
// that acts on it is lease-keeper.ts.
//   L1. A silo serves only while less than TTL·(1−ρ) − margin has passed since it *sent* its newest acknowledged renewal.
//   L2. An observer calls a silo dead only after TTL·(1+2ρ) of unbroken watching of one rev. So the owner has stopped
//       before anyone can say so, whatever the two clocks say, as long as each runs within ρ of true rate (A3).

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
  /** L1. */
  readonly serveMs: number;
  /** L2. */
  readonly watchMs: number;
  /** Two polls further apart than this broke the watching. */
  readonly maxPollGapMs: number;
}

export function leaseTiming(ttlMs: number): LeaseTiming {
  return {
    ttlMs,
    roundMs: ttlMs / 3,
    probeMs: ttlMs / 6,
    retryMs: ttlMs / 12,
    serveMs: ttlMs * (1 - CLOCK_DRIFT) - Math.max(250, ttlMs / 20),
    watchMs: ttlMs * (1 + 2 * CLOCK_DRIFT),
    maxPollGapMs: (2 * ttlMs) / 3,
  };
}
