// The calls that are open, and the ways in which one ends: with an answer, an error, its time, its caller or its client.
//   E1. Every call ends exactly once, at the latest a sweep after its deadline; whatever is held for it is let go.
//   E2. An error says whether any attempt may have run (I11).
//   E3. Whatever ends a call ends those that its interceptors have made, and first: what becomes of them is what is known of it.
//   E4. Who gives a call up is not kept waiting for what becomes of it: the call ends at once, and its silo is told.
import { setMaxListeners } from "node:events";
import {
  bodyValue,
  type CallResult,
  CallTimeoutError,
  CancelledError,
  type Clock,
  type Outcome,
  thrownFromRecord,
} from "@tenure/core/internal";
import { Deadlines } from "./deadlines.ts";
import type { Flights } from "./flights.ts";
import type { LocationCache } from "./location-cache.ts";
import {
  detailsOf,
  type Flight,
  nameOf,
  type OutgoingCall,
  type TurnCall,
} from "./outgoing-call.ts";
import { errorOf, type Failure, outcomeOf } from "./retry-policy.ts";

/** More than there can be: a caller has fewer calls open. (0, for no bound, breaks `getMaxListeners` of Node 20.) */
const MAX_LISTENERS = 1_000_000_000;

export type MethodResult = Extract<CallResult, { status: "ok" | "threw" }>;

/** Tells the silo that has this attempt that nobody waits for it any more. Answers what is known of it then. */
export type Withdraw = (call: OutgoingCall, flight: Flight) => Outcome;

export class OpenCalls {
  readonly #deadlines: Deadlines<OutgoingCall>;
  readonly #flights: Flights;
  readonly #locations: LocationCache;
  readonly #withdraw: Withdraw;

  constructor(clock: Clock, flights: Flights, locations: LocationCache, withdraw: Withdraw) {
    this.#deadlines = new Deadlines(clock, (call) => this.expire(call));
    this.#flights = flights;
    this.#locations = locations;
    this.#withdraw = withdraw;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /**
   * Those that turns have made, by the request id of the turn's own call. One whose interceptors have made calls waits for nothing
   * but those.
   */
  byTurn(): ReadonlyMap<number, readonly TurnCall[]> {
    const calls = new Map<number, OutgoingCall[]>();
    for (const call of this.#deadlines) {
      const turn = call.chain.at(-1)?.turn;
      if (turn === undefined || (call.intercepted?.inner.size ?? 0) > 0) continue;
      const others = calls.get(turn);
      if (others) others.push(call);
      else calls.set(turn, [call]);
    }
    return calls;
  }

  /** From now on the call ends when its time is up or its caller gives up; the latter may be so already. */
  add(call: OutgoingCall): void {
    this.#deadlines.add(call);
    if (call.signal) this.#watch(call, call.signal);
  }

  #watch(call: OutgoingCall, signal: AbortSignal): void {
    call.onAbort = () => {
      for (const inner of innerOf(call)) inner.onAbort?.(); // E3
      const details = detailsOf(call);
      const ran = call.flight !== undefined && this.#withdraw(call, call.flight) !== "not-executed";
      const options = {
        outcome: outcomeOf(call.maybeRan || ran),
        cause: signal.reason as unknown,
        details,
      };
      // The signal of a turn whose time is up: nobody has changed his mind, and its caller should not read so.
      const late = signal.reason instanceof CallTimeoutError;
      this.reject(
        call,
        late
          ? new CallTimeoutError(`${nameOf(call)}: its caller's time is up`, options)
          : new CancelledError(`${nameOf(call)}: cancelled by its caller`, options),
      ); // E4
    };
    if (signal.aborted) {
      call.onAbort();
      return;
    }
    // One signal for many calls is no leak, and Node need not warn of one: each listener goes when its call ends.
    setMaxListeners(MAX_LISTENERS, signal);
    signal.addEventListener("abort", call.onAbort, { once: true });
  }

  /** The method's own answer: what it returned or threw. */
  answer(call: OutgoingCall, result: MethodResult): void {
    let value: unknown;
    try {
      value = bodyValue(result.body);
      if (result.status === "threw") value = thrownFromRecord(value);
    } catch (error) {
      this.reject(
        call,
        errorOf(
          { status: "failed", code: "NOT_SERIALIZABLE", message: "the reply cannot be decoded" },
          nameOf(call),
          { outcome: "unknown", cause: error, details: detailsOf(call) },
        ),
      );
      return;
    }
    if (result.status === "threw") {
      this.reject(call, value);
      return;
    }
    this.resolve(call, value);
  }

  resolve(call: OutgoingCall, value: unknown): void {
    this.#settle(call);
    call.answer.resolve(value);
  }

  /** What happened to its last attempt is what the caller is told. */
  fail(call: OutgoingCall, failure: Failure): void {
    this.reject(call, failureError(call, failure));
  }

  reject(call: OutgoingCall, error: unknown): void {
    this.#settle(call);
    call.answer.reject(error);
  }

  expire(call: OutgoingCall): void {
    for (const inner of innerOf(call)) this.expire(inner); // E3
    const inFlight = call.flight !== undefined;
    // The actor's next call finds out anew where it is.
    if (call.flight) this.#locations.forget(call.actorKey, call.flight.to);
    const failure = call.lastFailure;
    // A call that was refused until its time was up says why; one that was on its way can only say that time is up.
    if (failure && !inFlight) this.fail(call, failure);
    else
      this.reject(
        call,
        new CallTimeoutError(
          `${nameOf(call)}: no reply within ${Math.max(0, Math.round(call.timeoutMs))} ms`,
          { outcome: outcomeOf(call.maybeRan || inFlight), details: detailsOf(call) },
        ),
      );
  }

  /** Fails every open call: nothing will answer any more. */
  close(): void {
    for (const call of this.#deadlines) this.abandon(call);
    this.#deadlines.stop();
  }

  /** Nothing will answer it any more. */
  abandon(call: OutgoingCall): void {
    for (const inner of innerOf(call)) this.abandon(inner); // E3
    const inFlight = call.flight !== undefined;
    call.maybeRan ||= inFlight;
    this.fail(call, { status: inFlight ? "disconnected" : "not-connected" });
  }

  #settle(call: OutgoingCall): void {
    call.done = true;
    this.#deadlines.delete(call);
    if (call.flight) this.#flights.forget(call.flight.request);
    call.retry?.cancel();
    if (call.onAbort) call.signal?.removeEventListener("abort", call.onAbort);
    call.intercepted?.place.leave();
  }
}

function innerOf(call: OutgoingCall): Iterable<OutgoingCall> {
  return call.intercepted?.inner ?? [];
}

function failureError(call: OutgoingCall, failure: Failure): Error {
  return errorOf(failure, nameOf(call), {
    outcome: outcomeOf(call.maybeRan),
    details: detailsOf(call),
  });
}
