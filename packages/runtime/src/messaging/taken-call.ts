// A call that a silo has in its hands: it comes from the transport or from the silo itself, and is one object from then on until
// it is answered. Every call makes one of these: what it needs of others it refers to, and makes no function of its own.
import type { AskedHere, CallerHere } from "@tenure/client/internal";
import {
  type ActorAddress,
  type Address,
  type Body,
  type CallHeaders,
  type CallMessage,
  type CallResult,
  type ChainLink,
  type Endpoint,
  type IdempotencyKey,
  localBody,
  type ResolvedMethod,
} from "@tenure/core/internal";
import type { IncomingCall } from "../activation/incoming-call.ts";

/** What the caller has said, whichever way. */
export interface Said {
  readonly method: string;
  readonly args: Body;
  readonly key: IdempotencyKey | undefined;
  readonly chain: readonly ChainLink[];
  readonly repeatable: boolean;
  readonly strict: boolean;
  readonly headers?: CallHeaders | undefined;
}

export interface TakenCallHost {
  /** Looks at it, and answers it or hands it on. `nowMs`: on the monotonic clock. */
  dispatch(call: TakenCall, nowMs: number): void;
  /** One that was counted as open is answered or given up. */
  closed(): void;
}

/** Where calls come from, and how they are answered there. */
export interface Origin {
  /** Another process: the address of such a call, and all that it says, have not been looked at. */
  readonly foreign: boolean;
  /** A copy of a result, in the form in which it will travel there. */
  snapshot(value: unknown, root: string): Body;
  answer(call: TakenCall, result: CallResult): void;
}

/** From here or from elsewhere it is of one class: with a class for each over this one, to make it takes twice as long. */
export class TakenCall implements IncomingCall {
  readonly actor: ActorAddress;
  /** The actor's name, where it is at hand. */
  readonly actorKey: string | undefined;
  readonly request: number;
  readonly from: Address;
  readonly deadlineMs: number;
  readonly args: Body;
  /** Known as soon as it has been dispatched. */
  method!: ResolvedMethod;
  readonly origin: Origin;
  readonly said: Said;
  readonly #host: TakenCallHost;

  constructor(
    host: TakenCallHost,
    origin: Origin,
    said: Said,
    actor: ActorAddress,
    actorKey: string | undefined,
    request: number,
    from: Address,
    deadlineMs: number,
  ) {
    this.actor = actor;
    this.actorKey = actorKey;
    this.request = request;
    this.from = from;
    this.deadlineMs = deadlineMs;
    // Its sender may have them in another form by the time that it sends the call again.
    this.args = said.args;
    this.origin = origin;
    this.said = said;
    this.#host = host;
  }

  get methodName(): string {
    return this.said.method;
  }

  get key(): IdempotencyKey | undefined {
    return this.said.key;
  }

  get chain(): readonly ChainLink[] {
    return this.said.chain;
  }

  get repeatable(): boolean {
    return this.said.repeatable;
  }

  get strict(): boolean {
    return this.said.strict;
  }

  get headers(): CallHeaders | undefined {
    return this.said.headers;
  }

  snapshot(value: unknown, root: string): Body {
    return this.origin.snapshot(value, root);
  }

  start(nowMs: number): void {
    this.#host.dispatch(this, nowMs);
  }

  /** Answers it before it was counted as open. */
  refuse(result: CallResult): void {
    this.origin.answer(this, result);
  }

  reply(result: CallResult): void {
    this.#host.closed();
    this.origin.answer(this, result);
  }

  abandon(): void {
    this.#host.closed();
  }
}

/** Another process. Its calls are answered where they came from, also when the silo has another endpoint by then. */
export class Elsewhere implements Origin {
  readonly foreign = true;
  readonly endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  /** `atMs`: on the monotonic clock, when it came. */
  taken(host: TakenCallHost, message: CallMessage, from: Address, atMs: number): TakenCall {
    const { type, id, request, budgetMs } = message;
    return new TakenCall(
      host,
      this,
      message,
      { type, id },
      undefined,
      request,
      from,
      atMs + budgetMs,
    );
  }

  snapshot(value: unknown, root: string): Body {
    return this.endpoint.snapshot(value, root);
  }

  answer({ from, request }: TakenCall, result: CallResult): void {
    this.endpoint.send(from, { kind: "reply", request, result });
  }
}

/** The silo itself. */
export class Here<A extends AskedHere> implements Origin {
  readonly foreign = false;
  readonly caller: CallerHere<A>;

  constructor(caller: CallerHere<A>) {
    this.caller = caller;
  }

  taken(host: TakenCallHost, asked: A, request: number, from: Address): TakenCall {
    const { actor, actorKey, deadlineMs } = asked;
    return new TakenCall(host, this, asked, actor, actorKey, request, from, deadlineMs);
  }

  snapshot(value: unknown, root: string): Body {
    return localBody(value, root);
  }

  answer({ said, request }: TakenCall, result: CallResult): void {
    // Of its own calls: what they say is what was asked.
    this.caller.replied(said as A, request, result);
  }
}
