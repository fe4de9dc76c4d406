// The retry budget of one caller (one client, or all callers of one silo): a token bucket that bounds what retries cost
// others while they achieve nothing (R27). The idea is Finagle's RetryBudget; what differs is said in ADR 0011.
//   B1. A call whose first message leaves this process deposits DEPOSIT; PER_SECOND tokens come by themselves; at most
//       RESERVE are kept.
//   B2. A retry withdraws one token before it may leave. It gets it back when nothing left the process after all, and
//       when the call was executed: only retries in vain cost anything.
//   B3. So in any t seconds with n new calls at most RESERVE + PER_SECOND × t + DEPOSIT × n retries leave in vain.
import type { Clock } from "@tenure/core/internal";

/** The amounts of B1: tokens per call, tokens per second, tokens that are kept. Why these: ADR 0011. */
export const RETRY_BUDGET: {
  readonly deposit: number;
  readonly perSecond: number;
  readonly reserve: number;
} = { deposit: 0.2, perSecond: 50, reserve: 500 };
const { deposit: DEPOSIT, perSecond: PER_SECOND, reserve: RESERVE } = RETRY_BUDGET;

/** Whether a retry may leave. A decision of its own, so that a simulation can hand in a broken one. */
export function mayRetry(tokens: number): boolean {
  return tokens >= 1;
}

/** What is in the bucket `elapsedMs` after it held `tokens` (B1). */
export function tokensAfter(tokens: number, elapsedMs: number): number {
  return Math.min(RESERVE, tokens + (Math.max(0, elapsedMs) * PER_SECOND) / 1_000);
}

/** A call, as far as the budget knows it. */
export interface Payer {
  /** The attempt that is under way was paid for. */
  paid: boolean;
}

export class RetryBudget {
  readonly #clock: Clock;
  readonly #mayRetry: typeof mayRetry;
  /** May be above RESERVE: that is cut off where it is looked at. */
  #tokens = RESERVE;
  #atMs: number;

  constructor(clock: Clock, rules: { readonly mayRetry: typeof mayRetry }) {
    this.#clock = clock;
    this.#mayRetry = rules.mayRetry;
    this.#atMs = clock.monotonicMs();
  }

  /** Whether a retry could leave now. */
  get hasTokens(): boolean {
    return this.#mayRetry(this.#now());
  }

  /** A call left for the first time. Costs an addition: every call to another process comes here. */
  deposit(): void {
    this.#tokens += DEPOSIT;
  }

  /** True: a retry of the call may leave, and has paid. */
  pay(call: Payer): boolean {
    if (!this.#mayRetry(this.#now())) return false;
    this.#tokens -= 1;
    call.paid = true;
    return true;
  }

  /** What the call paid, if it did, was not spent in vain (B2). */
  giveBack(call: Payer): void {
    if (!call.paid) return;
    call.paid = false;
    this.#tokens += 1;
  }

  #now(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = tokensAfter(this.#tokens, nowMs - this.#atMs);
    this.#atMs = nowMs;
    return this.#tokens;
  }
}
