// The dispatcher: what becomes of a call that reaches a silo, before its activation sees it.
//   X1. Everything is checked here that can be without running user code: lease, type, id, method, bounds. Each refusal
//       is typed and proves that nothing ran.
//   X2. A reply goes to where the transport says the call came from (T7).
//   X3. Local calls cannot keep the event loop from its timers, nor fill the stack: after SLICE_MS, or inside too many of
//       each other, they wait for the next turn of it. They keep their order.
//       Calls from elsewhere cannot either: see intake.ts.
//   X4. Whether a call may be made is asked last, when it could be taken (authorization.ts). If the answer takes time, what
//       can have changed meanwhile is checked again.
import {
  type ActorAddress,
  type ActorKind,
  type Address,
  addressProblem,
  type CallMessage,
  type CallResult,
  type CancelMessage,
  type Clock,
  type Endpoint,
  type EventSink,
  headersProblem,
  keyProblem,
  type ResolvedMethod,
} from "@tenure/core/internal";
import type { AskedHere, CallerHere, LocalSilo } from "@tenure/client/internal";
import { refused } from "../activation/incoming-call.ts";
import { Mailbox } from "../activation/mailbox.ts";
import { Authorization, type Authorize } from "./authorization.ts";
import { Intake, SLICE_MS } from "./intake.ts";
import { overloaded } from "./overloaded.ts";
import { Elsewhere, Here, type TakenCall } from "./taken-call.ts";

export interface DispatchHost {
  readonly kinds: ReadonlyMap<string, ActorKind>;
  readonly clock: Clock;
  readonly maxCalls: number;
  readonly authorize: Authorize | undefined;
  readonly emit: EventSink;
  endpoint(): Endpoint;
  /** Whether the lease does not hold: no call is taken now. */
  paused(nowMs: number): boolean;
  draining(): boolean;
  /** False for an actor that has no slot here: a draining silo takes no new ones. */
  holds(actor: ActorAddress): boolean;
  deliver(call: TakenCall, kind: ActorKind, nowMs: number): void;
  /** The sender of a call that was delivered gives it up. True when it had not started, and never will. */
  cancel(actor: ActorAddress, request: number, from: Address): boolean;
}

/** How long a full silo asks to be left alone. A silo that has maxCalls open answers many calls in that time. */
const FULL_RETRY_MS = 100;
/** In one turn of the event loop, whatever the clock says. */
const LOCAL_BURST = 10_000;
/** A local call runs up to its method's first await before its caller goes on, so that calls nest on the stack. */
const LOCAL_DEPTH = 32;

export class Dispatcher implements LocalSilo {
  readonly #host: DispatchHost;
  /** Calls taken and not yet answered. */
  #open = 0;
  /** Local calls that have started in this turn of the event loop, and since when. */
  #burst = 0;
  #sinceMs = 0;
  #depth = 0;
  /** Local calls that wait for the next turn of the event loop. */
  readonly #deferred = new Mailbox<TakenCall>(Infinity);
  readonly #intake: Intake<TakenCall>;
  readonly #authorization: Authorization | undefined;
  /** What the last call was found to be for: the next is likely to be for the same, and need not look it up. */
  #lastKind: ActorKind | undefined;
  #lastMethod: ResolvedMethod | undefined;
  /** Where the last calls came from: the next are likely to come from there, too. */
  #elsewhere: Elsewhere | undefined;
  #here: Here<AskedHere> | undefined;

  constructor(host: DispatchHost) {
    this.#host = host;
    this.#intake = new Intake(host.clock, host.maxCalls);
    const { authorize, clock, emit } = host;
    this.#authorization = authorize && new Authorization({ authorize, clock, emit });
  }

  get openCalls(): number {
    return this.#open + this.#intake.size;
  }

  /** A call that came over the transport. */
  receive(from: Address, message: CallMessage): void {
    const atMs = this.#host.clock.monotonicMs();
    const endpoint = this.#host.endpoint();
    if (this.#elsewhere?.endpoint !== endpoint) this.#elsewhere = new Elsewhere(endpoint);
    this.#intake.take(this.#elsewhere.taken(this, message, from, atMs), atMs);
  }

  /** A call from this silo itself. */
  deliver<A extends AskedHere>(
    asked: A,
    request: number,
    from: Address,
    nowMs: number,
    caller: CallerHere<A>,
  ): void {
    if (this.#here?.caller !== caller) this.#here = new Here<AskedHere>(caller);
    const call = this.#here.taken(this, asked, request, from);
    if (this.#burst === 0) this.#begin(nowMs);
    if (this.#deferred.size > 0 || this.#depth >= LOCAL_DEPTH || !this.#mayGoOn(nowMs))
      this.#deferred.offer(call);
    else this.#nest(call, nowMs);
  }

  /** A call is given up by its sender. */
  cancel({ request, type, id }: CancelMessage, from: Address): boolean {
    const deferred = this.#deferred.remove(
      (call) => call.request === request && call.from === from,
    );
    if (deferred !== undefined) return true;
    const arrived = this.#intake.remove((call) => call.request === request && call.from === from);
    if (arrived !== undefined || this.#authorization?.cancel(request, from)) return true;
    return this.#host.cancel({ type, id }, request, from);
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#host.clock.afterTurn(this.#afterTurn);
  }

  #mayGoOn(nowMs: number): boolean {
    return nowMs - this.#sinceMs < SLICE_MS && this.#burst < LOCAL_BURST;
  }

  #nest(call: TakenCall, nowMs: number): void {
    this.#burst += 1;
    this.#depth += 1;
    this.dispatch(call, nowMs);
    this.#depth -= 1;
  }

  readonly #afterTurn = (): void => {
    this.#burst = 0;
    if (this.#deferred.size === 0) return;
    let nowMs = this.#host.clock.monotonicMs();
    this.#begin(nowMs);
    // What comes meanwhile goes behind those that still wait.
    for (let due = this.#deferred.size; due > 0 && this.#mayGoOn(nowMs); due--) {
      this.#nest(this.#deferred.shift()!, nowMs);
      nowMs = this.#host.clock.monotonicMs();
    }
  };

  /** `nowMs`: on the monotonic clock. It is read once for all that is asked on the way of a call to its method. */
  dispatch(call: TakenCall, nowMs: number): void {
    const { kinds, maxCalls } = this.#host;
    const { type, id } = call.actor;
    const problem =
      // Who asks from here has a reference, whose address has been looked at.
      (call.origin.foreign ? addressProblem(type, id) : undefined) ??
      (call.key === undefined ? undefined : keyProblem(call.key)) ??
      (call.headers === undefined ? undefined : headersProblem(call.headers));
    if (problem !== undefined) return call.refuse(refused("invalid", problem));
    const closed = this.#closed(call, nowMs);
    if (closed) return call.refuse(closed);
    const kind = this.#kindOf(type);
    if (!kind)
      return call.refuse(
        refused(
          "unknown-type",
          `no class of type '${type}' is registered here; there are ${[...kinds.keys()].join(", ") || "none"}`,
        ),
      );
    const method = this.#methodOf(kind, call.methodName);
    if (!method)
      return call.refuse(
        refused(
          "unknown-method",
          `${type} has no method '${call.methodName}' that can be called; there are ${[...kind.methods.keys()].join(", ") || "none"}`,
        ),
      );
    if (call.strict && !kind.definition.state)
      return call.refuse(
        refused(
          "invalid",
          `${type} has no state, and so nothing in the store that a strict read could verify`,
        ),
      );
    if (this.#open >= maxCalls)
      return call.refuse(overloaded(`${maxCalls} calls wait in the silo`, FULL_RETRY_MS));
    this.#open += 1;
    call.method = method;
    if (!this.#authorization) this.#host.deliver(call, kind, nowMs);
    else this.#authorization.ask(call, () => this.#authorized(call, kind));
  }

  #kindOf(type: string): ActorKind | undefined {
    if (this.#lastKind?.definition.type === type) return this.#lastKind;
    this.#lastMethod = undefined;
    return (this.#lastKind = this.#host.kinds.get(type));
  }

  /** `kind`: as was found last. */
  #methodOf(kind: ActorKind, name: string): ResolvedMethod | undefined {
    if (this.#lastMethod?.name === name) return this.#lastMethod;
    return (this.#lastMethod = kind.methods.get(name));
  }

  /** A call that was open is answered or given up. */
  closed(): void {
    this.#open -= 1;
  }

  #authorized(call: TakenCall, kind: ActorKind): void {
    const nowMs = this.#host.clock.monotonicMs();
    const closed = this.#closed(call, nowMs);
    if (closed) call.reply(closed);
    else if (call.deadlineMs <= nowMs)
      call.reply(refused("expired", "its deadline passed before it was authorized"));
    else this.#host.deliver(call, kind, nowMs);
  }

  /** Why the silo does not take the call now, if it does not. */
  #closed({ actor }: TakenCall, nowMs: number): CallResult | undefined {
    // Draining first: whoever comes to a silo that is leaving has to look elsewhere, and not to wait until it has left.
    if (this.#host.draining() && !this.#host.holds(actor))
      return refused("draining", "the silo is draining and takes no new actors");
    return this.#host.paused(nowMs)
      ? refused("paused", "the silo's lease has run out; it is paused")
      : undefined;
  }

  /** The silo leaves: what waits is answered. */
  close(): void {
    this.#intake.close();
    this.#authorization?.close();
  }
}
