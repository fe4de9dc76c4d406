// The invoker: takes a call, sends it where its actor is, and settles it once. What it is made of: departures.ts (how an
// attempt leaves), flights.ts (what is on its way), open-calls.ts (how a call ends), retry-policy.ts (what follows from a
// failure). Here they meet.
//   V1. Arguments are copied when the call is made: what the caller changes afterwards never travels.
//   V2. A caller's calls to one actor leave in the order in which they were made (see call-lanes.ts).
//   V3. Every call settles, at the latest a sweep after its deadline, and exactly once.
//   V4. Each attempt has its own random request id; a reply that nobody waits for is counted and dropped (R29).
//   V5. When an incarnation dies, when a frame reached nobody, or the connection is lost, the attempts concerned fail at
//       once: nobody waits for a timeout to learn what is already known.
import {
  type ActorAddress,
  type Address,
  type Body,
  type CallOptions,
  type CallResult,
  type Clock,
  type DeliveryTag,
  formatActor,
  type Incarnation,
  isolate,
  type Random,
  type ReferenceTarget,
  type ReplyMessage,
  type ResolvedMethod,
  valueBody,
} from "@tenure/core/internal";
import { type Attachment, Departures, type Locator } from "./departures.ts";
import { Flights } from "./flights.ts";
import { LocationCache } from "./location-cache.ts";
import { makeCall } from "./make-call.ts";
import { OpenCalls } from "./open-calls.ts";
import type { CallOrigin, Flight, OutgoingCall } from "./outgoing-call.ts";
import { type CallRules, errorOf, type Failure, mayHaveRun } from "./retry-policy.ts";

export interface InvokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly locator: Locator;
  readonly callTimeoutMs: number;
  readonly rules: CallRules;
}

export class Invoker implements ReferenceTarget {
  readonly locations: LocationCache = new LocationCache();
  readonly #o: InvokerOptions;
  readonly #flights: Flights;
  readonly #open: OpenCalls;
  readonly #departures: Departures;
  #closed = false;

  constructor(options: InvokerOptions) {
    const { clock, random, locator } = options;
    this.#o = options;
    this.#flights = new Flights(random);
    this.#open = new OpenCalls(clock, this.#flights);
    this.#departures = new Departures({
      clock,
      locator,
      locations: this.locations,
      flights: this.#flights,
      host: {
        failed: (call, failure) => this.#failed(call, failure),
        expired: (call) => this.#open.expire(call),
        rejected: (call, error) => this.#open.reject(call, error),
        replied: (request, result) => this.#replied(request, result),
      },
    });
  }

  get openCalls(): number {
    return this.#open.size;
  }

  /** Replies that nobody waited for (V4). */
  get unknownReplies(): number {
    return this.#flights.unknownReplies;
  }

  /** Everything that is held for calls: nothing, once all of them are settled. */
  get held(): number {
    return this.#open.size + this.#flights.size + this.#departures.held;
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
    known: ReadonlyMap<string, ResolvedMethod> | undefined,
    origin?: CallOrigin,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed)
        throw errorOf({ status: "not-connected" }, `${formatActor(actor)}.${method}`, {
          outcome: "not-executed",
        });
      const call = makeCall(
        { actor, method, options, about: known?.get(method), origin, resolve, reject },
        this.#o.clock.monotonicMs(),
        this.#o.callTimeoutMs,
        (actorKey) => this.#copyArguments(actorKey, args),
      );
      this.#open.add(call);
      if (!call.done) this.#departures.first(call);
    });
  }

  /** V1. Straight to bytes when they will travel; a copied value when they may stay here. */
  #copyArguments(actorKey: string, args: readonly unknown[]): Body {
    const location = this.locations.get(actorKey);
    const { attachment } = this.#departures;
    return attachment && location && location.silo !== attachment.address
      ? attachment.endpoint.snapshot(args, "args")
      : valueBody(isolate(args, "args"));
  }

  // ---- what comes back -------------------------------------------------------------------------------------------

  reply(message: ReplyMessage): void {
    this.#replied(message.request, message.result);
  }

  #replied(request: number, result: CallResult): void {
    const landed = this.#flights.land(request);
    if (!landed) return;
    const { call, to } = landed;
    switch (result.status) {
      case "ok":
      case "threw":
        this.#open.answer(call, result);
        return;
      case "refused":
        if (RELOCATE.has(result.reason)) this.locations.forget(call.actorKey, to);
        this.#failed(call, result, to);
        return;
      case "failed":
        this.#failed(call, result, to);
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
    this.locations.forgetSilo(silo);
    this.#failFlights((flight) => flight.to === silo, { status: "silo-died", silo }, false);
  }

  disconnected(): void {
    this.#failFlights((flight) => flight.tag !== 0, { status: "disconnected" }, false);
  }

  #failFlights(concerned: (flight: Flight) => boolean, failure: Failure, forget: boolean): void {
    this.#flights.end(concerned, (call, to) => {
      if (forget) this.locations.forget(call.actorKey, to);
      this.#failed(call, failure, to);
    });
  }

  #failed(call: OutgoingCall, failure: Failure, sentTo?: Incarnation): void {
    call.maybeRan ||= mayHaveRun(failure);
    call.lastFailure = failure;
    if (failure.status !== "refused" || TAKES_NOTHING.has(failure.reason)) call.avoid = sentTo;
    const { clock, random, rules } = this.#o;
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
          },
          random.next(),
        );
    switch (verdict.kind) {
      case "redirect":
        call.hops += 1;
        this.locations.set(call.actorKey, { silo: verdict.to, generation: verdict.generation });
        this.#departures.again(call);
        return;
      case "retry":
        if (call.attempt % 4 === 3) this.locations.forget(call.actorKey, undefined);
        if (verdict.afterMs === 0) this.#departures.again(call);
        else
          call.retry = clock.after(verdict.afterMs, () => this.#departures.again(call), {
            keepAlive: true,
          });
        return;
      case "fail":
        this.#open.fail(call, failure);
    }
  }

  /** Fails every open call: nothing will answer any more. */
  close(): void {
    this.#closed = true;
    this.#open.close();
  }
}

/** The silo itself takes nothing now: another one should be found, whatever the newest view of the members says. */
const TAKES_NOTHING: ReadonlySet<string> = new Set(["draining", "paused"]);
const RELOCATE: ReadonlySet<string> = new Set(["moved", "draining", "no-silo"]);
