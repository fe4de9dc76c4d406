// Authorization: whether a call may be made, asked before a slot is taken or anything is activated for it.
//   Z1. Only `true` lets a call go on. Whatever else is answered refuses it, and so does a throw: not executed. What was
//       thrown stays here, but for the message of an UnauthorizedError, which is meant for the caller.
//   Z2. A call that waits for its answer counts as open (I12), and a caller's calls to one actor go on in the order in which
//       they came, whichever is answered first (V2).
//   Z3. A call that has no answer by its deadline is over then.
//   Z4. What may have changed while it waited is asked again before it goes on: see Dispatcher.
//   Z5. A silo that leaves answers those that still wait: nothing of them ran.
//   Z6. A call that its sender gives up while it waits is over, and the silo has room for another.
import { Deadlines, NO_SLOT, Seldom } from "@tenure/client/internal";
import {
  type Address,
  bodyValue,
  type CallResult,
  type Clock,
  describe,
  errorText,
  type EventSink,
  formatActor,
  InOrder,
  type InterceptedCall,
  NO_HEADERS,
  type Place,
  UnauthorizedError,
} from "@tenure/core/internal";
import { type IncomingCall, refused } from "../activation/incoming-call.ts";

/**
 * A call that asks to be let in. All of it is what its message says: `caller`, `chain` and `headers` are no proof of who sent it.
 * `args` are decoded when they are first looked at, a copy.
 */
export type CallToAuthorize = Omit<InterceptedCall, "signal">;

/** Answers whether the call may be made. Only `true` lets it go on. */
export type Authorize = (call: CallToAuthorize) => boolean | Promise<boolean>;

export interface AuthorizationDeps {
  readonly authorize: Authorize;
  readonly clock: Clock;
  readonly emit: EventSink;
}

interface Asked {
  readonly call: IncomingCall;
  readonly place: Place;
  readonly deadlineMs: number;
  slot: number;
}

/** How often at most an operator is told that `authorize` fails. */
const TELL_EVERY_MS = 10_000;

export class Authorization {
  readonly #d: AuthorizationDeps;
  readonly #order = new InOrder();
  readonly #waiting: Deadlines<Asked>;
  readonly #byRequest = new Map<number, Asked>();
  readonly #tell: Seldom;
  #failures = 0;

  constructor(deps: AuthorizationDeps) {
    this.#d = deps;
    this.#tell = new Seldom(deps.clock, TELL_EVERY_MS);
    this.#waiting = new Deadlines(deps.clock, (asked) =>
      this.#answer(asked, refused("expired", "its deadline passed before it was authorized")),
    );
  }

  /** Calls `goOn`, now or later; or answers the call. */
  ask(call: IncomingCall, goOn: () => void): void {
    const seen = seenCall(call, this.#d.clock);
    const refuse = (problem: CallResult): void => call.reply(seen.unreadable() ?? problem);
    let answer: unknown;
    try {
      answer = this.#d.authorize(seen.call);
    } catch (error) {
      refuse(this.#thrown(error));
      return;
    }
    if (!isThenable(answer) && answer !== true) {
      refuse(this.#refusal(answer));
      return;
    }
    // Most answers are there at once, and nothing waits before them.
    if (!isThenable(answer) && this.#order.size === 0) {
      goOn();
      return;
    }
    const lane = laneOf(call);
    if (!isThenable(answer) && !this.#order.has(lane)) {
      goOn();
      return;
    }
    const { deadlineMs } = call;
    const asked: Asked = { call, place: this.#order.enter(lane), deadlineMs, slot: NO_SLOT };
    this.#waiting.add(asked);
    this.#byRequest.set(call.request, asked);
    Promise.resolve(answer).then(
      (allowed) => {
        if (allowed !== true) this.#answer(asked, seen.unreadable() ?? this.#refusal(allowed));
        else
          asked.place.ready(() => {
            this.#over(asked);
            goOn();
          }); // Z2
      },
      (error: unknown) => this.#answer(asked, seen.unreadable() ?? this.#thrown(error)),
    );
  }

  /** The sender of a call gives it up. True when it waited here: it goes no further (Z6). */
  cancel(request: number, from: Address): boolean {
    const asked = this.#byRequest.get(request);
    if (asked?.call.from !== from) return false;
    this.#over(asked);
    if (!asked.place.leave()) return false;
    asked.call.abandon();
    return true;
  }

  /** Answers every call that waits (Z5). */
  close(): void {
    for (const asked of this.#waiting)
      this.#answer(asked, refused("draining", "the silo left before the call was authorized"));
    this.#waiting.stop();
  }

  /** Ends a call that waits here; one that is over by then stays as it was answered. */
  #answer(asked: Asked, result: CallResult): void {
    this.#over(asked);
    if (asked.place.leave()) asked.call.reply(result);
  }

  #over(asked: Asked): void {
    this.#waiting.delete(asked);
    const { request } = asked.call;
    if (this.#byRequest.get(request) === asked) this.#byRequest.delete(request);
  }

  #refusal(answer: unknown): CallResult {
    if (answer !== false) this.#failed(`it answered ${describe(answer)}, not true or false`);
    return refused("unauthorized", NOT_ALLOWED);
  }

  #thrown(error: unknown): CallResult {
    if (error instanceof UnauthorizedError) return refused("unauthorized", error.message);
    this.#failed(errorText(error));
    return refused("unauthorized", NOT_ALLOWED);
  }

  #failed(error: string): void {
    this.#failures += 1;
    if (this.#tell.now()) this.#d.emit({ type: "authorize.failed", error, total: this.#failures });
  }
}

const NOT_ALLOWED = "the silo does not allow the call";

/** Its sender, the actor that makes the call, and the one that is called: a caller's calls to one actor (V2). */
function laneOf(call: IncomingCall): string {
  const caller = call.chain.at(-1);
  return `${call.from} ${caller ? formatActor(caller) : ""} ${formatActor(call.actor)}`;
}

function seenCall(
  call: IncomingCall,
  clock: Clock,
): { readonly call: CallToAuthorize; unreadable(): CallResult | undefined } {
  const caller = call.chain.at(-1);
  let args: readonly unknown[] | undefined;
  let unreadable: CallResult | undefined;
  return {
    call: {
      actor: call.actor,
      method: call.method.name,
      get args(): readonly unknown[] {
        try {
          return (args ??= argsOf(call));
        } catch (error) {
          unreadable = refused("invalid", `the arguments cannot be decoded: ${errorText(error)}`);
          throw error;
        }
      },
      headers: call.headers ?? NO_HEADERS,
      caller: caller && { type: caller.type, id: caller.id },
      chain: call.chain,
      deadline: clock.wallMs() + (call.deadlineMs - clock.monotonicMs()),
      idempotencyKey: call.key,
    },
    unreadable: () => unreadable,
  };
}

function argsOf(call: IncomingCall): readonly unknown[] {
  const args = bodyValue(call.args, true);
  if (!Array.isArray(args)) throw new TypeError("the arguments are not a list");
  return args as readonly unknown[];
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}
