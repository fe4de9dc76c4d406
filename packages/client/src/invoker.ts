// The invoker: takes a call, sends it where its actor is, and settles it once. What it is made of: departures.ts (how an
// attempt leaves), flights.ts (what is on its way), open-calls.ts (how a call ends), retries.ts (what follows from a
// failure). Here they meet.
//   V1. Arguments are copied when the call is made: what the caller changes afterwards never travels.
//   V2. A caller's calls to one actor leave in the order in which they were made (see call-lanes.ts).
//   V3. Every call settles, at the latest a sweep after its deadline, and exactly once.
//   V4. Each attempt has its own random request id; a reply that nobody waits for, or that comes from elsewhere than the
//       attempt went, is counted and dropped (R29).
//   V5. When an incarnation dies, when a frame reached nobody, or the connection is lost, the attempts concerned fail at
//       once: nobody waits for a timeout to learn what is already known.
//   V6. At most `maxOpenCalls` calls are open, and at most as many wait in lanes; one more is refused at once (I12).
import {
  type ActorAddress,
  type Address,
  argumentsBody,
  type Body,
  type CallOptions,
  type CallResult,
  type Clock,
  type DeliveryTag,
  type EventSink,
  formatActor,
  type Incarnation,
  type Interceptor,
  localBody,
  OverloadedError,
  type Random,
  type ReferenceTarget,
  type ReplyMessage,
  type ResolvedMethod,
} from "@tenure/core/internal";
import { Answer } from "./answer.ts";
import { type Attachment, Departures, type Locator } from "./departures.ts";
import { Flights } from "./flights.ts";
import { InterceptedCalls } from "./intercepted-calls.ts";
import { type Location, LocationCache } from "./location-cache.ts";
import { makeCall } from "./make-call.ts";
import { OpenCalls } from "./open-calls.ts";
import type { CallOrigin, Flight, OutgoingCall, TurnCall } from "./outgoing-call.ts";
import { Seldom } from "./seldom.ts";
import { Retries } from "./retries.ts";
import { RetryBudget } from "./retry-budget.ts";
import { type CallRules, errorOf, type Failure } from "./retry-policy.ts";

export interface InvokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly locator: Locator;
  readonly callTimeoutMs: number;
  readonly rules: CallRules;
  readonly emit: EventSink;
  /** Open calls at once; one more is refused at once. @default 100_000 */
  readonly maxOpenCalls?: number | undefined;
  /** Around every call, the first outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined;
}

/** What a caller has counted. On the way of each call there are counters, not events. */
export interface CallCounters {
  readonly openCalls: number;
  /** Replies that nobody waited for, or not from there (V4). */
  readonly unknownReplies: number;
  /** Times that a retry was due and had no budget (R27). */
  readonly heldBackRetries: number;
}

export class Invoker implements ReferenceTarget {
  readonly locations: LocationCache;
  readonly #o: InvokerOptions;
  readonly #flights: Flights;
  readonly #open: OpenCalls;
  readonly #departures: Departures;
  readonly #retries: Retries;
  readonly #intercepted: InterceptedCalls;
  readonly #budget: RetryBudget;
  readonly #maxOpenCalls: number;
  readonly #tellHeldBack: Seldom;
  readonly #tellUnknown: Seldom;
  #heldBackRetries = 0;
  #closed = false;

  constructor(options: InvokerOptions) {
    const { clock, random, rules, locator } = options;
    this.#o = options;
    this.locations = new LocationCache(clock);
    this.#maxOpenCalls = options.maxOpenCalls ?? MAX_OPEN_CALLS;
    this.#tellHeldBack = new Seldom(clock, TELL_EVERY_MS);
    this.#tellUnknown = new Seldom(clock, TELL_EVERY_MS);
    this.#budget = new RetryBudget(clock, rules);
    this.#flights = new Flights(random);
    this.#open = new OpenCalls(clock, this.#flights, this.locations, (call, flight) =>
      this.#departures.withdraw(call, flight),
    );
    this.#departures = new Departures({
      clock,
      locator,
      locations: this.locations,
      flights: this.#flights,
      budget: this.#budget,
      host: {
        failed: (call, failure) => this.#retries.failed(call, failure, undefined),
        expired: (call) => this.#open.expire(call),
        rejected: (call, error) => this.#open.reject(call, error),
        replied: (call, request, result) => this.#repliedHere(call, request, result),
      },
    });
    this.#retries = new Retries({
      clock,
      random,
      rules,
      budget: this.#budget,
      locations: this.locations,
      host: {
        again: (call) => this.#departures.again(call),
        fail: (call, failure) => this.#open.fail(call, failure),
        heldBack: () => this.#heldBack(),
      },
    });
    this.#intercepted = new InterceptedCalls({
      clock,
      open: this.#open,
      copyArguments: (actorKey, args) =>
        this.#copyArguments(this.locations.get(actorKey), args, localBody),
      refuseTooMany: (call) => this.#refuseTooMany(call.actor, call.method),
      leave: (call) => this.#leave(call),
    });
  }

  /** Around every call that leaves here, the first outermost; undefined when there are none. */
  get interceptors(): readonly Interceptor[] | undefined {
    return this.#o.interceptors;
  }

  get counters(): CallCounters {
    return {
      openCalls: this.#open.size,
      unknownReplies: this.#flights.unknownReplies,
      heldBackRetries: this.#heldBackRetries,
    };
  }

  /** Everything that is held for calls: nothing, once all of them are settled. */
  get held(): number {
    return this.#open.size + this.#flights.size + this.#departures.held + this.#intercepted.held;
  }

  /** Where calls have waited for an answer since before this time, on the monotonic clock. */
  waitingSince(beforeMs: number): ReadonlySet<Incarnation> {
    return this.#flights.waitingSince(beforeMs);
  }

  /** Open calls that turns have made, by the request id of the turn's own call. */
  callsByTurn(): ReadonlyMap<number, readonly TurnCall[]> {
    return this.#open.byTurn();
  }

  /** From now on calls leave here. Attempts that left elsewhere can get no reply any more. */
  attach(attachment: Attachment | undefined): void {
    const before = this.#departures.attachment;
    this.#departures.attachment = attachment;
    if (!before) return;
    this.locations.forgetSilo(before.address);
    this.disconnected();
  }

  call(
    actor: ActorAddress,
    method: string,
    args: readonly unknown[],
    options: CallOptions,
    about: ResolvedMethod | undefined,
    origin?: CallOrigin,
  ): Promise<unknown> {
    const answer = new Answer();
    try {
      if (this.#closed)
        throw errorOf({ status: "not-connected" }, `${formatActor(actor)}.${method}`, {
          outcome: "not-executed",
        });
      this.#refuseTooMany(actor, method);
      const interceptors = origin?.interceptors ?? this.#o.interceptors;
      const actorKey = formatActor(actor);
      const location = this.locations.get(actorKey);
      // Interceptors may keep what they are shown, also the list.
      const copied = interceptors
        ? localBody(args, "args")
        : this.#copyArguments(location, args, argumentsBody);
      const nowMs = this.#o.clock.monotonicMs();
      const call = makeCall(
        { actor, actorKey, method, options, about, origin, answer, args: copied },
        nowMs,
        this.#o.callTimeoutMs,
      );
      if (interceptors || call.signal) this.#openFirst(call, interceptors);
      else this.#leaveFirst(call, nowMs, location);
    } catch (error) {
      answer.reject(error);
    }
    return answer.promise();
  }

  /** A call whose signal has aborted never leaves, and interceptors may end theirs whenever they like. */
  #openFirst(call: OutgoingCall, interceptors: readonly Interceptor[] | undefined): void {
    this.#open.add(call);
    if (call.done) return;
    if (interceptors) this.#intercepted.run(call, interceptors);
    else this.#leave(call);
  }

  #leave(call: OutgoingCall): void {
    const location = this.locations.get(call.actorKey);
    this.#departures.first(call, this.#o.clock.monotonicMs(), location);
  }

  /** Its own silo may answer a call at once: such a call never was open, and costs half as much. */
  #leaveFirst(call: OutgoingCall, nowMs: number, location: Location | undefined): void {
    this.#departures.first(call, nowMs, location);
    if (call.done) return;
    // Whatever ran meanwhile may have closed this caller.
    if (this.#closed) this.#open.abandon(call);
    else this.#open.add(call);
  }

  #refuseTooMany(actor: ActorAddress, method: string): void {
    if (this.#open.size < this.#maxOpenCalls && this.#departures.waiting < this.#maxOpenCalls)
      return;
    throw new OverloadedError(
      `${formatActor(actor)}.${method}: ${this.#maxOpenCalls} calls of this caller are open`,
      { outcome: "not-executed", details: { actor: formatActor(actor), method } },
    );
  }

  /** V1. Straight to bytes when they will travel; a copied value when they may stay here. */
  #copyArguments(
    location: Location | undefined,
    args: readonly unknown[],
    copy: (args: readonly unknown[], root: string) => Body,
  ): Body {
    const { attachment } = this.#departures;
    return attachment && location && location.silo !== attachment.address
      ? attachment.endpoint.snapshot(args, "args")
      : copy(args, "args");
  }

  // ---- what comes back -------------------------------------------------------------------------------------------

  reply(message: ReplyMessage, from: Address): void {
    const { request, result } = message;
    const call = this.#flights.land(request, from);
    if (call) this.#landed(call, result);
    else this.#unknown();
  }

  /** From the own silo: not looked for, since it is at hand. */
  #repliedHere(call: OutgoingCall, request: number, result: CallResult): void {
    if (this.#flights.landHere(call, request)) this.#landed(call, result);
    else this.#unknown();
  }

  #unknown(): void {
    if (this.#tellUnknown.now())
      this.#o.emit({ type: "replies.unknown", total: this.#flights.unknownReplies });
  }

  #landed(call: OutgoingCall, result: CallResult): void {
    const to = call.flight?.to;
    call.flight = undefined;
    switch (result.status) {
      case "ok":
      case "threw":
        this.#budget.giveBack(call);
        this.#open.answer(call, result);
        return;
      case "refused":
        if (RELOCATE.has(result.reason)) this.locations.forget(call.actorKey, to);
        this.#retries.failed(call, result, to);
        return;
      case "failed":
        this.#retries.failed(call, result, to);
    }
  }

  /** What left for `to` with this tag reached nobody. */
  undeliverable(to: Address, tag: DeliveryTag): void {
    this.#failFlights(
      (flight) => flight.to === to && flight.tag === tag,
      { status: "undeliverable" },
      true,
    );
  }

  siloDied(silo: Incarnation): void {
    this.locations.died(silo);
    this.#failFlights((flight) => flight.to === silo, { status: "silo-died", silo }, false);
  }

  disconnected(): void {
    this.#failFlights((flight) => flight.tag !== 0, { status: "disconnected" }, false);
  }

  #failFlights(concerned: (flight: Flight) => boolean, failure: Failure, forget: boolean): void {
    this.#flights.end(concerned, (call, to) => {
      if (forget) this.locations.forget(call.actorKey, to);
      this.#retries.failed(call, failure, to);
    });
  }

  #heldBack(): void {
    this.#heldBackRetries += 1;
    if (this.#tellHeldBack.now())
      this.#o.emit({ type: "retries.held-back", openCalls: this.#open.size });
  }

  /** Fails every open call: nothing will answer any more. */
  close(): void {
    this.#closed = true;
    this.#retries.close();
    this.#open.close();
  }
}

export const MAX_OPEN_CALLS = 100_000;
/** How often at most an operator is told of the same thing. */
const TELL_EVERY_MS = 10_000;
const RELOCATE: ReadonlySet<string> = new Set(["moved", "draining", "no-silo"]);
