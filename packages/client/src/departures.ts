// How an attempt of a call leaves: in its order, past its gate, to where its actor is.
//   D1. A caller's calls to one actor leave in the order in which they were made (V2; see call-lanes.ts).
//   D2. Lanes that look for the same actor ask once. What is known at once is not waited for: most first calls of a silo's own
//       clients are to actors that it will have itself.
//   D3. Nothing leaves whose turn has lost its actor, or whose time is up (R6, R17, R25).
import {
  type ActorAddress,
  type Address,
  type CallMessage,
  type CallResult,
  type CancelMessage,
  type Clock,
  type Endpoint,
  errorText,
  FencedError,
  type Incarnation,
  type Located,
  type Outcome,
  type Refused,
} from "@tenure/core/internal";
import { CallLanes } from "./call-lanes.ts";
import type { Flights } from "./flights.ts";
import type { Location, LocationCache } from "./location-cache.ts";
import { detailsOf, type Flight, type OutgoingCall } from "./outgoing-call.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { Failure } from "./retry-policy.ts";

/** Finds the silo to which calls to an actor should go: at once, if it knows. */
export interface Locator {
  locate(actor: ActorAddress, avoid: Incarnation | undefined): Located | Promise<Located>;
}

/** A call to the own silo: what a message would say, in the caller's own words. */
export type AskedHere = Pick<
  OutgoingCall,
  | "actor"
  | "actorKey"
  | "method"
  | "args"
  | "key"
  | "chain"
  | "repeatable"
  | "strict"
  | "headers"
  | "deadlineMs"
>;

/** What has asked its own silo, and hears of each answer once. */
export interface CallerHere<A extends AskedHere> {
  replied(call: A, request: number, result: CallResult): void;
}

/** The silo that this invoker lives in: calls to its own actors skip the transport. */
export interface LocalSilo {
  /** `nowMs`: on the monotonic clock. */
  deliver<A extends AskedHere>(
    asked: A,
    request: number,
    from: Address,
    nowMs: number,
    caller: CallerHere<A>,
  ): void;
  /** True when the call had not started, and never will. */
  cancel(call: CancelMessage, from: Address): boolean;
}

/** What calls leave through. It changes when a silo rejoins as a new incarnation. */
export interface Attachment {
  readonly address: Address;
  readonly endpoint: Endpoint;
  readonly local: LocalSilo | undefined;
}

export interface DeparturesOptions {
  readonly clock: Clock;
  readonly locator: Locator;
  readonly locations: LocationCache;
  readonly flights: Flights;
  readonly budget: RetryBudget;
  readonly host: DeparturesHost;
}

/** What becomes of a call that did not leave, and of one that its own silo answers. */
export interface DeparturesHost extends CallerHere<OutgoingCall> {
  failed(call: OutgoingCall, failure: Failure): void;
  expired(call: OutgoingCall): void;
  rejected(call: OutgoingCall, error: unknown): void;
}

export class Departures {
  attachment: Attachment | undefined;
  readonly #o: DeparturesOptions;
  readonly #lanes: CallLanes;
  readonly #locating = new Map<string, Promise<Located>>();

  constructor(options: DeparturesOptions) {
    this.#o = options;
    this.#lanes = new CallLanes({
      trySend: (call) =>
        this.#trySend(call, options.clock.monotonicMs(), options.locations.get(call.actorKey)),
      locate: (call) => this.#locate(call),
      mayLeave: (call) => call.origin?.mayLeave() ?? true,
      gateRefused: (call, error) => this.#gateRefused(call, error),
    });
  }

  /** Lanes in which calls wait, and questions that are open. */
  get held(): number {
    return this.#lanes.size + this.#locating.size;
  }

  /** Calls that wait in lanes, also those that are over and not passed over yet. */
  get waiting(): number {
    return this.#lanes.waiting;
  }

  /** `location`: where its actor is, as was just found. */
  first(call: OutgoingCall, nowMs: number, location: Location | undefined): void {
    if (call.gate || this.#lanes.has(call.lane) || !this.#trySend(call, nowMs, location))
      this.#lanes.enter(call);
  }

  again(call: OutgoingCall): void {
    call.retry = undefined;
    if (call.done) return;
    // The turn that made the call may have lost its actor since the last attempt.
    call.gate = call.origin?.gate();
    this.#lanes.enter(call);
  }

  /** Its caller has given the call up. Only of the own silo is it known at once whether it has started. */
  withdraw({ actor: { type, id } }: OutgoingCall, { request, to }: Flight): Outcome {
    const { attachment } = this;
    const message: CancelMessage = { kind: "cancel", request, type, id };
    if (attachment?.local && to === attachment.address)
      return attachment.local.cancel(message, to) ? "not-executed" : "unknown";
    attachment?.endpoint.send(to, message);
    return "unknown";
  }

  /** False: the actor must be located first. */
  #trySend(call: OutgoingCall, nowMs: number, location: Location | undefined): boolean {
    const { attachment } = this;
    if (!attachment) {
      this.#o.host.failed(call, { status: "not-connected" });
      return true;
    }
    const known = location ?? this.#find(call);
    if (!known) return false;
    call.evidence = Math.max(call.evidence, known.generation);
    this.#send(call, known.silo, attachment, nowMs);
    return true;
  }

  #send(call: OutgoingCall, to: Incarnation, attachment: Attachment, sinceMs: number): void {
    const { flights, budget, host } = this.#o;
    const budgetMs = call.deadlineMs - sinceMs;
    if (budgetMs <= 0) {
      host.expired(call);
      return;
    }
    call.attempt += 1;
    if (attachment.local && to === attachment.address) {
      this.#sendHere(call, attachment.local, attachment.address, sinceMs);
      return;
    }
    if (call.args.kind === "value") {
      try {
        call.args = attachment.endpoint.snapshot(call.args.value, "args");
      } catch (error) {
        host.rejected(call, error);
        return;
      }
    }
    const request = flights.newRequest();
    const tag = attachment.endpoint.send(to, messageOf(call, request, budgetMs));
    if (tag === undefined) {
      host.failed(call, { status: "not-connected" });
      return;
    }
    flights.expect(request, call);
    call.flight = { request, to, tag, sinceMs };
    if (call.attempt === 1) budget.deposit();
  }

  #sendHere(call: OutgoingCall, silo: LocalSilo, to: Incarnation, sinceMs: number): void {
    const { flights, budget, host } = this.#o;
    const request = flights.newRequest();
    const flight = (call.flight = { request, to, tag: 0, sinceMs });
    budget.giveBack(call); // It costs nobody else anything.
    silo.deliver(call, request, to, sinceMs, host);
    // Most are answered by now, and need not be found again.
    if (call.flight === flight) flights.expect(request, call);
  }

  /** Where its actor is, if that is known at once; else it has been asked, and the answer is on its way. */
  #find(call: OutgoingCall): Location | undefined {
    const { actorKey } = call;
    if (this.#locating.has(actorKey)) return undefined; // D2
    let located: Located | Promise<Located>;
    try {
      located = this.#o.locator.locate(call.actor, call.avoid);
    } catch (error) {
      located = unavailable(errorText(error));
    }
    if (!(located instanceof Promise) && located.status === "at" && this.#learn(actorKey, located))
      return located;
    const answer = Promise.resolve(located)
      .catch((error: unknown) => unavailable(errorText(error)))
      .finally(() => this.#locating.delete(actorKey));
    this.#locating.set(actorKey, answer);
    return undefined;
  }

  /** False when nobody can be there. */
  #learn(actorKey: string, { silo, generation }: Location): boolean {
    return this.#o.locations.set(actorKey, { silo, generation });
  }

  /** Waits for what has been asked. */
  async #locate({ actorKey, lane }: OutgoingCall): Promise<void> {
    const located = await this.#locating.get(actorKey);
    // Not asked, or answered meanwhile: the lane tries again.
    if (!located) return;
    const failure =
      located.status !== "at"
        ? located
        : this.#learn(actorKey, located)
          ? undefined
          : unavailable("the silo that the actor lived on has just died");
    if (!failure) return;
    for (const call of this.#lanes.takeAll(lane))
      if (!call.done) {
        call.attempt += 1;
        this.#o.host.failed(call, failure);
      }
  }

  // The turn that made the call had lost its actor: its calls must not leave (D3).
  #gateRefused(call: OutgoingCall, error: unknown): void {
    if (call.done) return;
    this.#o.host.rejected(
      call,
      call.maybeRan && error instanceof FencedError
        ? new FencedError(error.message, { outcome: "unknown", details: detailsOf(call) })
        : error,
    );
  }
}

function unavailable(message: string): Refused {
  return { status: "refused", reason: "unavailable", message, owner: undefined, generation: 0 };
}

function messageOf(call: OutgoingCall, request: number, budgetMs: number): CallMessage {
  return {
    kind: "call",
    request,
    type: call.actor.type,
    id: call.actor.id,
    method: call.method,
    args: call.args,
    budgetMs,
    key: call.key,
    chain: call.chain,
    repeatable: call.repeatable,
    strict: call.strict,
    headers: call.headers,
  };
}
