// What a turn is from its beginning: of a call, or of a lifecycle hook.
import {
  type ActorAddress,
  type CallContext,
  type CallHeaders,
  type ChainLink,
  type Clock,
  NO_HEADERS,
} from "@tenure/core/internal";
import { CallSignal } from "./call-signal.ts";
import type { IncomingCall } from "./incoming-call.ts";
import type { Turn } from "./turn-context.ts";

export type HookName = "onActivate" | "onDeactivate";

/** What `ctx.call` shows. A class, so that the signal is made only when it is asked for (call-signal.ts, G1). */
class ShownCall implements CallContext {
  readonly method: string;
  readonly caller: ActorAddress | undefined;
  readonly chain: readonly ChainLink[];
  readonly deadline: number | undefined;
  readonly idempotencyKey: CallContext["idempotencyKey"];
  readonly headers: CallHeaders;
  readonly #signal: CallSignal;

  constructor(facts: Omit<CallContext, "signal">, signal: CallSignal) {
    this.method = facts.method;
    this.caller = facts.caller;
    this.chain = facts.chain;
    this.deadline = facts.deadline;
    this.idempotencyKey = facts.idempotencyKey;
    this.headers = facts.headers;
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    return this.#signal.signal;
  }
}

export function turnOfCall(call: IncomingCall, clock: Clock): Turn {
  const link: ChainLink = { ...call.actor, method: call.method.name, turn: call.request };
  const chain = [...call.chain, link];
  const last = call.chain.at(-1);
  const signal = new CallSignal(clock, call.deadlineMs, link);
  return {
    mode: call.method.mode,
    request: call.request,
    call: new ShownCall(
      {
        method: call.method.name,
        caller: last && { type: last.type, id: last.id },
        chain,
        deadline: clock.wallMs() + (call.deadlineMs - clock.monotonicMs()),
        idempotencyKey: call.key,
        headers: call.headers ?? NO_HEADERS,
      },
      signal,
    ),
    from: call.from,
    signal,
    deadlineMs: call.deadlineMs,
    chain,
    outgoing: 0,
    staged: false,
    inner: undefined,
  };
}

/** From now on the call that the turn serves has these headers. */
export function setHeaders(turn: Turn, headers: CallHeaders): void {
  turn.call = new ShownCall({ ...turn.call, headers }, turn.signal);
}

/** A turn like any other in the chains of its calls: one that comes back here is a deadlock, not a wait. */
export function turnOfHook(
  actor: ActorAddress,
  method: HookName,
  request: number,
  clock: Clock,
): Turn {
  const link: ChainLink = { ...actor, method, turn: request };
  const signal = new CallSignal(clock, Infinity, link);
  return {
    mode: "write",
    request,
    call: new ShownCall(
      {
        method,
        caller: undefined,
        chain: [],
        deadline: undefined,
        idempotencyKey: undefined,
        headers: NO_HEADERS,
      },
      signal,
    ),
    from: undefined,
    signal,
    deadlineMs: Infinity,
    chain: [link],
    outgoing: 0,
    staged: false,
    inner: undefined,
  };
}
