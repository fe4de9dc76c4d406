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
  readonly #signal: () => CallSignal;

  constructor(facts: Omit<CallContext, "signal">, signal: () => CallSignal) {
    this.method = facts.method;
    this.caller = facts.caller;
    this.chain = facts.chain;
    this.deadline = facts.deadline;
    this.idempotencyKey = facts.idempotencyKey;
    this.headers = facts.headers;
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    return this.#signal().signal;
  }
}

export function turnOfCall(call: IncomingCall, clock: Clock): Turn {
  return new CallTurn(call, clock);
}

/** What few methods look at, and what only a turn that calls others needs, is made when it is looked at. */
class CallTurn implements Turn {
  outgoing = 0;
  staged = false;
  inner: Turn["inner"] = undefined;
  readonly #incoming: IncomingCall;
  readonly #clock: Clock;
  #chain: readonly ChainLink[] | undefined;
  #signal: CallSignal | undefined;
  #shown: CallContext | undefined;
  #ended = false;

  constructor(call: IncomingCall, clock: Clock) {
    this.#incoming = call;
    this.#clock = clock;
  }

  get mode(): Turn["mode"] {
    return this.#incoming.method.mode;
  }

  get request(): number {
    return this.#incoming.request;
  }

  get from(): Turn["from"] {
    return this.#incoming.from;
  }

  get deadlineMs(): number {
    return this.#incoming.deadlineMs;
  }

  get chain(): readonly ChainLink[] {
    const { actor, chain, method, request } = this.#incoming;
    return (this.#chain ??= [...chain, { ...actor, method: method.name, turn: request }]);
  }

  get signal(): CallSignal {
    if (!this.#signal) {
      this.#signal = new CallSignal(this.#clock, this.deadlineMs, this.chain.at(-1)!);
      if (this.#ended) this.#signal.end();
    }
    return this.#signal;
  }

  get call(): CallContext {
    if (!this.#shown) {
      const { chain, key, headers, method } = this.#incoming;
      const last = chain.at(-1);
      this.#shown = new ShownCall(
        {
          method: method.name,
          caller: last && { type: last.type, id: last.id },
          chain: this.chain,
          deadline: this.#clock.wallMs() + (this.deadlineMs - this.#clock.monotonicMs()),
          idempotencyKey: key,
          headers: headers ?? NO_HEADERS,
        },
        () => this.signal,
      );
    }
    return this.#shown;
  }

  set call(shown: CallContext) {
    this.#shown = shown;
  }

  end(): void {
    this.#ended = true;
    this.#signal?.end();
  }
}

/** From now on the call that the turn serves has these headers. */
export function setHeaders(turn: Turn, headers: CallHeaders): void {
  turn.call = new ShownCall({ ...turn.call, headers }, () => turn.signal);
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
      () => signal,
    ),
    end: () => signal.end(),
    from: undefined,
    signal,
    deadlineMs: Infinity,
    chain: [link],
    outgoing: 0,
    staged: false,
    inner: undefined,
  };
}
