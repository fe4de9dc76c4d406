// What is done after an attempt failed: what retry-policy.ts decides, with what the retry budget has.
//   Y1. A redirect leaves at once and is free: each needs newer evidence, and at most MAX_HOPS follow one wait (R26).
//       So is the one look again after a first `moved` or `draining`: the refuser is fine, the actor is elsewhere.
//   Y2. Every other retry pays when it leaves, not when it is decided on. One that finds no budget is decided on anew. But one
//       that an overloaded silo refused pays at once: it fails at once without budget (P5), and what a crowd has not yet paid
//       all of them would wait for, only to fail then.
//   Y3. What costs nobody else anything gives back what it paid: see retry-budget.ts, B2.
import type { Clock, Incarnation, Random, Timer } from "@tenure/core/internal";
import type { LocationCache } from "./location-cache.ts";
import type { OutgoingCall } from "./outgoing-call.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { type CallRules, type Failure, mayHaveRun } from "./retry-policy.ts";

export interface RetriesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly rules: CallRules;
  readonly budget: RetryBudget;
  readonly locations: LocationCache;
  readonly host: RetriesHost;
}

export interface RetriesHost {
  /** Sends the next attempt. */
  again(call: OutgoingCall): void;
  /** Ends the call with its last failure. */
  fail(call: OutgoingCall, failure: Failure): void;
  /** A retry was due, and there was no budget. */
  heldBack(): void;
}

export class Retries {
  readonly #o: RetriesOptions;
  #closed = false;

  constructor(options: RetriesOptions) {
    this.#o = options;
  }

  /** An attempt of the call failed. */
  failed(call: OutgoingCall, failure: Failure, sentTo: Incarnation | undefined): void {
    call.maybeRan ||= mayHaveRun(failure);
    call.lastFailure = failure;
    if (failure.status !== "refused" || TAKES_NOTHING.has(failure.reason)) call.avoid = sentTo;
    // Nothing has left this process (Y3).
    if (failure.status === "not-connected") this.#o.budget.giveBack(call);
    call.paid = false;
    this.#decide(call, failure, sentTo);
  }

  /** From now on nothing is repeated. */
  close(): void {
    this.#closed = true;
  }

  #decide(call: OutgoingCall, failure: Failure, sentTo: Incarnation | undefined): void {
    const { clock, random, rules, budget, locations, host } = this.#o;
    const paysNow = failure.status === "refused" && failure.reason === "overloaded";
    const verdict = this.#closed
      ? ({ kind: "fail" } as const)
      : rules.afterFailure(
          failure,
          {
            attempt: call.attempt,
            hops: call.hops,
            evidence: call.evidence,
            sentTo,
            repeatable: call.repeatable,
            remainingMs: call.deadlineMs - clock.monotonicMs(),
            funded: budget.hasTokens,
            heldBack: call.heldBack,
          },
          random.next(),
        );
    switch (verdict.kind) {
      case "redirect":
        call.hops += 1;
        locations.set(call.actorKey, { silo: verdict.to, generation: verdict.generation });
        host.again(call); // Y1
        return;
      case "retry":
        if (call.attempt % 4 === 3) locations.forget(call.actorKey, undefined);
        if (verdict.afterMs === 0) host.again(call);
        else {
          if (paysNow) budget.pay(call);
          const due = clock.after(verdict.afterMs, () => this.#due(call, failure, sentTo), {
            keepAlive: true,
          });
          call.retry = paysNow ? this.#refundable(call, due) : due;
        }
        return;
      case "fail":
        host.fail(call, failure);
    }
  }

  /** What was paid for a retry that never leaves is given back (Y3). */
  #refundable(call: OutgoingCall, due: Timer): Timer {
    return {
      cancel: () => {
        due.cancel();
        this.#o.budget.giveBack(call);
      },
    };
  }

  #due(call: OutgoingCall, failure: Failure, sentTo: Incarnation | undefined): void {
    const { budget, host } = this.#o;
    call.retry = undefined;
    if (call.paid || budget.pay(call)) {
      call.heldBack = 0;
      // Whoever has waited may be sent on again: what the redirects before it were based on is old by now.
      call.hops = 0;
      host.again(call);
      return;
    }
    call.heldBack += 1; // Y2
    host.heldBack();
    this.#decide(call, failure, sentTo);
  }
}

/** The silo itself takes nothing now: another one should be found, whatever the newest view of the members says. */
const TAKES_NOTHING: ReadonlySet<string> = new Set(["draining", "paused", "overloaded"]);
