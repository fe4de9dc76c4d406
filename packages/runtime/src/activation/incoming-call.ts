// A call that has reached its actor's silo, and what it is answered with.
import {
  type ActorAddress,
  type Address,
  type Body,
  type CallHeaders,
  type CallResult,
  type ChainLink,
  formatActor,
  type IdempotencyKey,
  type Incarnation,
  type RefusalReason,
  type Refused,
  type ResolvedMethod,
} from "@tenure/core/internal";

export interface IncomingCall {
  readonly request: number;
  /** Who sent it: only that endpoint may take it back. */
  readonly from: Address;
  readonly actor: ActorAddress;
  /** The actor's name, where it is at hand. */
  readonly actorKey?: string | undefined;
  readonly method: ResolvedMethod;
  readonly args: Body;
  readonly key: IdempotencyKey | undefined;
  readonly chain: readonly ChainLink[];
  /** The same arguments may be needed again: a local call that may be repeated keeps its body. */
  readonly repeatable: boolean;
  /** Its reply must be verified, unless a save of its own vouches for it. */
  readonly strict: boolean;
  readonly headers?: CallHeaders | undefined;
  /** Monotonic. */
  readonly deadlineMs: number;
  /** A copy of a result, in the form in which it will travel to this caller. */
  snapshot(value: unknown, root: string): Body;
  /** Answers, once. */
  reply(result: CallResult): void;
  /** Instead of an answer: its caller has given it up, and it did not start. */
  abandon(): void;
}

/** The same call, whose answer goes by way of `reply`. */
export function answeredBy(call: IncomingCall, reply: IncomingCall["reply"]): IncomingCall {
  return {
    request: call.request,
    from: call.from,
    actor: call.actor,
    actorKey: call.actorKey,
    method: call.method,
    args: call.args,
    key: call.key,
    chain: call.chain,
    repeatable: call.repeatable,
    strict: call.strict,
    headers: call.headers,
    deadlineMs: call.deadlineMs,
    snapshot: (value, root) => call.snapshot(value, root),
    reply,
    abandon: () => call.abandon(),
  };
}

export function refused(
  reason: RefusalReason,
  message: string,
  owner?: Incarnation,
  generation = 0,
): Refused {
  return { status: "refused", reason, message, owner, generation };
}

/** What every way out of a mailbox answers: nothing ran, look for the actor again (R25). */
export const MOVED: Refused = refused("moved", "the activation ended before the call could start");

/** What a call is answered that waits for itself by way of others' turns: the one of its ring that is chosen. */
export function crossed(ring: string): Refused {
  return refused("deadlock", `calls wait for each other: ${ring}`);
}

/**
 * What a call is answered that a turn of its own chain waits for, in a mode that may not run beside that turn. `keyed`: it
 * could be let in, if that turn had no idempotency key.
 */
export function deadlock(call: IncomingCall, keyed = false): Refused {
  const path = [
    ...call.chain.map((link) => `${link.type}/${link.id}.${link.method}`),
    `${formatActor(call.actor)}.${call.method.name}`,
  ].join(" → ");
  const why = keyed ? "; a call with an idempotency key lets none of its chain in" : "";
  return refused("deadlock", `the call waits for itself: ${path}${why}`);
}
