// The invoker: takes a call, sends it where its actor is, and settles it once.
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
  bodyValue,
  type CallMessage,
  type CallOptions,
  type CallResult,
  CallTimeoutError,
  CancelledError,
  type Clock,
  type DeliveryTag,
  errorText,
  type Endpoint,
  FencedError,
  formatActor,
  type Incarnation,
  isolate,
  type Located,
  type Random,
  type ReferenceTarget,
  type ReplyMessage,
  type ResolvedMethod,
  thrownFromRecord,
  valueBody,
} from "@tenure/core/internal";
import { CallLanes } from "./call-lanes.ts";
import { Deadlines } from "./deadlines.ts";
import { LocationCache } from "./location-cache.ts";
import { makeCall } from "./make-call.ts";
import { type CallOrigin, detailsOf, nameOf, type OutgoingCall } from "./outgoing-call.ts";
import { type CallRules, errorOf, type Failure, mayHaveRun, outcomeOf } from "./retry-policy.ts";

/** Finds the silo to which calls to an actor should go. */
export interface Locator {
  locate(actor: ActorAddress, avoid: Incarnation | undefined): Promise<Located>;
}

/** The silo that this invoker lives in: calls to its own actors skip the transport. */
export interface LocalSilo {
  deliver(call: CallMessage, from: Address, reply: (result: CallResult) => void): void;
}

/** What the invoker sends through. It changes when a silo rejoins as a new incarnation. */
export interface Attachment {
  readonly address: Address;
  readonly endpoint: Endpoint;
  readonly local: LocalSilo | undefined;
}

export interface InvokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly locator: Locator;
  readonly callTimeoutMs: number;
  readonly rules: CallRules;
}

export class Invoker implements ReferenceTarget {
  readonly locations: LocationCache = new LocationCache();
  /** Replies that nobody waited for. */
  unknownReplies = 0;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #locator: Locator;
  readonly #callTimeoutMs: number;
  readonly #rules: CallRules;
  readonly #open: Deadlines<OutgoingCall>;
  readonly #flights = new Map<number, OutgoingCall>();
  readonly #locating = new Map<string, Promise<Located>>();
  readonly #lanes: CallLanes;
  #attachment: Attachment | undefined;
  #closed = false;

  constructor(options: InvokerOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#locator = options.locator;
    this.#callTimeoutMs = options.callTimeoutMs;
    this.#rules = options.rules;
    this.#open = new Deadlines(options.clock, (call) => this.#expire(call));
    this.#lanes = new CallLanes({
      trySend: (call) => this.#trySend(call),
      locate: (call) => this.#locate(call),
      mayLeave: (call) => call.origin?.mayLeave() ?? true,
      gateRefused: (call, error) => this.#gateRefused(call, error),
    });
  }

  get openCalls(): number {
    return this.#open.size;
  }

  /** Everything that is held for calls: nothing, once all of them are settled. */
  get held(): number {
    return this.#open.size + this.#flights.size + this.#lanes.size + this.#locating.size;
  }

  /** From now on calls leave here. Attempts that left elsewhere can get no reply any more. */
  attach(attachment: Attachment | undefined): void {
    const before = this.#attachment;
    this.#attachment = attachment;
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
        this.#clock.monotonicMs(),
        this.#callTimeoutMs,
        (actorKey) => this.#copyArguments(actorKey, args),
      );
      this.#open.add(call);
      if (call.signal) this.#watch(call, call.signal);
      if (call.done) return;
      if (call.gate || this.#lanes.has(call.lane) || !this.#trySend(call)) this.#lanes.enter(call);
    });
  }

  /** V1. Straight to bytes when they will travel; a copied value when they may stay here. */
  #copyArguments(actorKey: string, args: readonly unknown[]): Body {
    const location = this.locations.get(actorKey);
    const attachment = this.#attachment;
    return attachment && location && location.silo !== attachment.address
      ? attachment.endpoint.snapshot(args, "args")
      : valueBody(isolate(args, "args"));
  }

  #watch(call: OutgoingCall, signal: AbortSignal): void {
    call.onAbort = () => {
      const outcome = outcomeOf(call.maybeRan || call.flight !== undefined);
      this.#settle(call);
      call.reject(
        new CancelledError(`${nameOf(call)}: cancelled by its caller`, {
          outcome,
          cause: signal.reason,
          details: detailsOf(call),
        }),
      );
    };
    if (signal.aborted) call.onAbort();
    else signal.addEventListener("abort", call.onAbort, { once: true });
  }

  // ---- sending ---------------------------------------------------------------------------------------------------

  /** False: the actor must be located first. */
  #trySend(call: OutgoingCall): boolean {
    const attachment = this.#attachment;
    if (!attachment) {
      this.#failed(call, { status: "not-connected" });
      return true;
    }
    const location = this.locations.get(call.actorKey);
    if (!location) return false;
    call.evidence = Math.max(call.evidence, location.generation);
    this.#send(call, location.silo, attachment);
    return true;
  }

  #send(call: OutgoingCall, to: Incarnation, attachment: Attachment): void {
    const budgetMs = call.deadlineMs - this.#clock.monotonicMs();
    if (budgetMs <= 0) {
      this.#open.delete(call);
      this.#expire(call);
      return;
    }
    const request = this.#newRequest();
    call.attempt += 1;
    const local = to === attachment.address ? attachment.local : undefined;
    if (!local && call.args.kind === "value") {
      try {
        call.args = attachment.endpoint.snapshot(call.args.value, "args");
      } catch (error) {
        this.#settle(call);
        call.reject(error);
        return;
      }
    }
    const message: CallMessage = {
      kind: "call",
      request,
      type: call.actor.type,
      id: call.actor.id,
      method: call.method,
      args: call.args,
      budgetMs,
      key: call.idempotencyKey,
      chain: call.origin?.chain ?? [],
      repeatable: call.repeatable,
    };
    this.#flights.set(request, call);
    if (local) {
      call.flight = { request, to, tag: 0 };
      local.deliver(message, attachment.address, (result) => this.#replied(request, result));
      return;
    }
    const tag = attachment.endpoint.send(to, message);
    if (tag === undefined) {
      this.#flights.delete(request);
      this.#failed(call, { status: "not-connected" });
    } else call.flight = { request, to, tag };
  }

  #newRequest(): number {
    let request = this.#random.id48();
    while (this.#flights.has(request)) request = this.#random.id48();
    return request;
  }

  async #locate(first: OutgoingCall): Promise<void> {
    const { actorKey, lane } = first;
    let asked = this.#locating.get(actorKey);
    // Lanes that want to know the same thing ask once.
    if (!asked) {
      asked = this.#ask(first).finally(() => this.#locating.delete(actorKey));
      this.#locating.set(actorKey, asked);
    }
    const located = await asked;
    if (located.status === "at")
      this.locations.set(actorKey, { silo: located.silo, generation: located.generation });
    else
      for (const call of this.#lanes.takeAll(lane))
        if (!call.done) {
          call.attempt += 1;
          this.#failed(call, located);
        }
  }

  async #ask(call: OutgoingCall): Promise<Located> {
    try {
      return await this.#locator.locate(call.actor, call.avoid);
    } catch (error) {
      return {
        status: "refused",
        reason: "unavailable",
        message: errorText(error),
        owner: undefined,
        generation: 0,
      };
    }
  }

  // ---- what comes back -------------------------------------------------------------------------------------------

  reply(message: ReplyMessage): void {
    this.#replied(message.request, message.result);
  }

  #replied(request: number, result: CallResult): void {
    const call = this.#flights.get(request);
    if (!call) {
      this.unknownReplies += 1;
      return;
    }
    this.#flights.delete(request);
    const to = call.flight?.to;
    call.flight = undefined;
    switch (result.status) {
      case "ok":
      case "threw":
        this.#finish(call, result);
        return;
      case "refused":
        if (RELOCATE.has(result.reason)) this.locations.forget(call.actorKey, to);
        this.#failed(call, result, to);
        return;
      case "failed":
        this.#failed(call, result, to);
    }
  }

  #finish(call: OutgoingCall, result: Extract<CallResult, { status: "ok" | "threw" }>): void {
    this.#settle(call);
    let value: unknown;
    try {
      value = bodyValue(result.body);
      if (result.status === "threw") value = thrownFromRecord(value);
    } catch (error) {
      call.reject(
        errorOf(
          { status: "failed", code: "NOT_SERIALIZABLE", message: "the reply cannot be decoded" },
          nameOf(call),
          { outcome: "unknown", cause: error, details: detailsOf(call) },
        ),
      );
      return;
    }
    if (result.status === "ok") call.resolve(value);
    else call.reject(value);
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

  #failFlights(
    concerned: (flight: NonNullable<OutgoingCall["flight"]>) => boolean,
    failure: Failure,
    forget: boolean,
  ): void {
    for (const [request, call] of this.#flights) {
      const { flight } = call;
      if (!flight || !concerned(flight)) continue;
      this.#flights.delete(request);
      if (forget) this.locations.forget(call.actorKey, flight.to);
      call.flight = undefined;
      this.#failed(call, failure, flight.to);
    }
  }

  #failed(call: OutgoingCall, failure: Failure, sentTo?: Incarnation): void {
    call.maybeRan ||= mayHaveRun(failure);
    call.lastFailure = failure;
    if (failure.status !== "refused" || TAKES_NOTHING.has(failure.reason)) call.avoid = sentTo;
    const verdict = this.#closed
      ? ({ kind: "fail" } as const)
      : this.#rules.afterFailure(
          failure,
          {
            attempt: call.attempt,
            hops: call.hops,
            evidence: call.evidence,
            sentTo,
            repeatable: call.repeatable,
            remainingMs: call.deadlineMs - this.#clock.monotonicMs(),
          },
          this.#random.next(),
        );
    switch (verdict.kind) {
      case "redirect":
        call.hops += 1;
        this.locations.set(call.actorKey, { silo: verdict.to, generation: verdict.generation });
        this.#resend(call);
        return;
      case "retry":
        if (call.attempt % 4 === 3) this.locations.forget(call.actorKey, undefined);
        if (verdict.afterMs === 0) this.#resend(call);
        else
          call.retry = this.#clock.after(verdict.afterMs, () => this.#resend(call), {
            keepAlive: true,
          });
        return;
      case "fail":
        this.#settle(call);
        call.reject(this.#errorOf(call, failure));
    }
  }

  // The turn that made the call had lost its actor: its calls must not leave (R17, R25).
  #gateRefused(call: OutgoingCall, error: unknown): void {
    if (call.done) return;
    this.#settle(call);
    call.reject(
      call.maybeRan && error instanceof FencedError
        ? new FencedError(error.message, { outcome: "unknown", details: detailsOf(call) })
        : error,
    );
  }

  #resend(call: OutgoingCall): void {
    call.retry = undefined;
    if (call.done) return;
    // The turn that made the call may have lost its actor since the last attempt.
    call.gate = call.origin?.gate();
    this.#lanes.enter(call);
  }

  // ---- the end of a call -----------------------------------------------------------------------------------------

  #expire(call: OutgoingCall): void {
    const inFlight = call.flight !== undefined;
    this.#settle(call);
    const failure = call.lastFailure;
    // A call that was refused until its time was up says why; one that was on its way can only say that time is up.
    if (failure && !inFlight) call.reject(this.#errorOf(call, failure));
    else
      call.reject(
        new CallTimeoutError(
          `${nameOf(call)}: no reply within ${Math.max(0, Math.round(call.timeoutMs))} ms`,
          {
            outcome: outcomeOf(call.maybeRan || inFlight),
            details: detailsOf(call),
          },
        ),
      );
  }

  #errorOf(call: OutgoingCall, failure: Failure): Error {
    return errorOf(failure, nameOf(call), {
      outcome: outcomeOf(call.maybeRan),
      details: detailsOf(call),
    });
  }

  #settle(call: OutgoingCall): void {
    call.done = true;
    this.#open.delete(call);
    if (call.flight) this.#flights.delete(call.flight.request);
    call.retry?.cancel();
    if (call.onAbort) call.signal?.removeEventListener("abort", call.onAbort);
  }

  /** Fails every open call: nothing will answer any more. */
  close(): void {
    this.#closed = true;
    for (const call of this.#open) {
      const inFlight = call.flight !== undefined;
      call.maybeRan ||= inFlight;
      this.#settle(call);
      call.reject(this.#errorOf(call, { status: inFlight ? "disconnected" : "not-connected" }));
    }
    this.#open.stop();
  }
}

/** The silo itself takes nothing now: another one should be found, whatever the newest view of the members says. */
const TAKES_NOTHING: ReadonlySet<string> = new Set(["draining", "paused"]);
const RELOCATE: ReadonlySet<string> = new Set(["moved", "draining", "no-silo"]);
