// The dispatcher: what becomes of a call that reaches a silo, before its activation sees it.
//   X1. Everything is checked here that can be without running user code: lease, type, id, method, bounds. Each refusal
//       is typed and proves that nothing ran.
//   X2. A reply goes to where the transport says the call came from (T7).
//   X3. Local calls cannot keep the event loop from its timers, nor fill the stack: after a burst, or inside too many of
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
  localBody,
  type ResolvedMethod,
} from "@tenure/core/internal";
import type { AskedHere, LocalSilo } from "@tenure/client/internal";
import { type IncomingCall, refused } from "../activation/incoming-call.ts";
import { Mailbox } from "../activation/mailbox.ts";
import { Authorization, type Authorize } from "./authorization.ts";
import { Intake, type Taken } from "./intake.ts";
import { overloaded } from "./overloaded.ts";

export interface DispatchHost {
  readonly kinds: ReadonlyMap<string, ActorKind>;
  readonly clock: Clock;
  readonly maxCalls: number;
  readonly authorize: Authorize | undefined;
  readonly emit: EventSink;
  endpoint(): Endpoint;
  /** Whether the lease does not hold: no call is taken now. */
  paused(): boolean;
  draining(): boolean;
  /** False for an actor that has no slot here: a draining silo takes no new ones. */
  holds(call: CallMessage): boolean;
  deliver(call: IncomingCall, kind: ActorKind): void;
  /** The sender of a call that was delivered gives it up. True when it had not started, and never will. */
  cancel(actor: ActorAddress, request: number, from: Address): boolean;
}

/** A local call that waits for the next turn of the event loop. */
interface Deferred {
  readonly request: number;
  readonly from: Address;
  readonly run: () => void;
}

/** A call from elsewhere. */
interface Arrived extends Taken {
  readonly request: number;
  readonly from: Address;
}

/** How long a full silo asks to be left alone. A silo that has maxCalls open answers many calls in that time. */
const FULL_RETRY_MS = 100;
const LOCAL_BURST = 1_000;
/** A local call runs up to its method's first await before its caller goes on, so that calls nest on the stack. */
const LOCAL_DEPTH = 32;

export class Dispatcher implements LocalSilo {
  readonly #host: DispatchHost;
  /** Calls taken and not yet answered. */
  #open = 0;
  #burst = 0;
  #depth = 0;
  readonly #deferred = new Mailbox<Deferred>(Infinity);
  readonly #intake: Intake<Arrived>;
  readonly #authorization: Authorization | undefined;

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
    const endpoint = this.#host.endpoint();
    const { request } = message;
    const reply = (result: CallResult): void => {
      endpoint.send(from, { kind: "reply", request, result });
    };
    const atMs = this.#host.clock.monotonicMs();
    const snapshot: IncomingCall["snapshot"] = (value, root) => endpoint.snapshot(value, root);
    this.#intake.take({
      request,
      from,
      atMs,
      start: () => this.#dispatch(message, from, reply, snapshot, atMs + message.budgetMs),
      refuse: reply,
    });
  }

  /** A call from this silo itself. */
  deliver(
    message: CallMessage,
    from: Address,
    reply: (result: CallResult) => void,
    asked: AskedHere,
  ): void {
    const run = (): void =>
      this.#dispatch(message, from, reply, localBody, asked.deadlineMs, asked);
    if (this.#burst === 0) this.#host.clock.afterTurn(() => this.#nextTurn());
    this.#burst += 1;
    if (this.#burst > LOCAL_BURST || this.#depth >= LOCAL_DEPTH || this.#deferred.size > 0)
      this.#deferred.offer({ request: message.request, from, run });
    else this.#nest(run);
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

  #nest(run: () => void): void {
    this.#depth += 1;
    run();
    this.#depth -= 1;
  }

  #nextTurn(): void {
    this.#burst = 0;
    if (this.#deferred.size === 0) return;
    this.#host.clock.afterTurn(() => this.#nextTurn());
    // What comes meanwhile goes behind those that still wait.
    const due = Math.min(this.#deferred.size, LOCAL_BURST);
    this.#burst = due;
    for (let i = 0; i < due; i++) this.#nest(this.#deferred.shift()!.run);
  }

  #dispatch(
    message: CallMessage,
    from: Address,
    reply: (result: CallResult) => void,
    snapshot: IncomingCall["snapshot"],
    deadlineMs: number,
    asked?: AskedHere,
  ): void {
    const { kinds, maxCalls } = this.#host;
    const problem =
      // Who asks from here has a reference, whose address has been looked at.
      (asked ? undefined : addressProblem(message.type, message.id)) ??
      (message.key === undefined ? undefined : keyProblem(message.key)) ??
      (message.headers === undefined ? undefined : headersProblem(message.headers));
    if (problem !== undefined) return reply(refused("invalid", problem));
    const closed = this.#closed(message);
    if (closed) return reply(closed);
    const kind = kinds.get(message.type);
    if (!kind)
      return reply(
        refused(
          "unknown-type",
          `no class of type '${message.type}' is registered here; there are ${[...kinds.keys()].join(", ") || "none"}`,
        ),
      );
    const method: ResolvedMethod | undefined = kind.methods.get(message.method);
    if (!method)
      return reply(
        refused(
          "unknown-method",
          `${message.type} has no method '${message.method}' that can be called; there are ${[...kind.methods.keys()].join(", ") || "none"}`,
        ),
      );
    if (message.strict && !kind.definition.state)
      return reply(
        refused(
          "invalid",
          `${message.type} has no state, and so nothing in the store that a strict read could verify`,
        ),
      );
    if (this.#open >= maxCalls)
      return reply(overloaded(`${maxCalls} calls wait in the silo`, FULL_RETRY_MS));
    this.#open += 1;
    const call: IncomingCall = {
      request: message.request,
      from,
      actor: { type: message.type, id: message.id },
      actorKey: asked?.actorKey,
      method,
      args: message.args,
      key: message.key,
      chain: message.chain,
      repeatable: message.repeatable,
      strict: message.strict,
      headers: message.headers,
      deadlineMs,
      snapshot,
      reply: (result) => {
        this.#open -= 1;
        reply(result);
      },
      abandon: () => {
        this.#open -= 1;
      },
    };
    if (!this.#authorization) this.#host.deliver(call, kind);
    else this.#authorization.ask(call, () => this.#authorized(call, message, kind));
  }

  #authorized(call: IncomingCall, message: CallMessage, kind: ActorKind): void {
    const closed = this.#closed(message);
    if (closed) call.reply(closed);
    else if (call.deadlineMs <= this.#host.clock.monotonicMs())
      call.reply(refused("expired", "its deadline passed before it was authorized"));
    else this.#host.deliver(call, kind);
  }

  /** Why the silo does not take the call now, if it does not. */
  #closed(message: CallMessage): CallResult | undefined {
    // Draining first: whoever comes to a silo that is leaving has to look elsewhere, and not to wait until it has left.
    if (this.#host.draining() && !this.#host.holds(message))
      return refused("draining", "the silo is draining and takes no new actors");
    return this.#host.paused()
      ? refused("paused", "the silo's lease has run out; it is paused")
      : undefined;
  }

  /** The silo leaves: what waits is answered. */
  close(): void {
    this.#intake.close();
    this.#authorization?.close();
  }
}
