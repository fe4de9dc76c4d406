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

export abstract class TakenCall implements IncomingCall {
  /** From another process: its address and all that it says have not been looked at. */
  abstract readonly foreign: boolean;
  abstract readonly actor: ActorAddress;
  /** The actor's name, where it is at hand. */
  abstract readonly actorKey: string | undefined;
  readonly request: number;
  readonly from: Address;
  readonly deadlineMs: number;
  readonly args: Body;
  /** Known as soon as it has been dispatched. */
  method!: ResolvedMethod;
  protected readonly said: Said;
  readonly #host: TakenCallHost;

  constructor(host: TakenCallHost, said: Said, request: number, from: Address, deadlineMs: number) {
    this.#host = host;
    this.said = said;
    this.request = request;
    this.from = from;
    this.deadlineMs = deadlineMs;
    // Its sender may have them in another form by the time that it sends the call again.
    this.args = said.args;
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

  /** A copy of a result, in the form in which it will travel to this caller. */
  abstract snapshot(value: unknown, root: string): Body;

  protected abstract answer(result: CallResult): void;

  start(nowMs: number): void {
    this.#host.dispatch(this, nowMs);
  }

  /** Answers it before it was counted as open. */
  refuse(result: CallResult): void {
    this.answer(result);
  }

  reply(result: CallResult): void {
    this.#host.closed();
    this.answer(result);
  }

  abandon(): void {
    this.#host.closed();
  }
}

/** One from another process. It is answered where it came from, also when the silo has another endpoint by then. */
export class CallFromElsewhere extends TakenCall {
  override readonly foreign = true;
  override readonly actor: ActorAddress;
  override readonly actorKey = undefined;
  readonly atMs: number;
  readonly #endpoint: Endpoint;

  /** `atMs`: on the monotonic clock, when it came. */
  constructor(
    host: TakenCallHost,
    endpoint: Endpoint,
    message: CallMessage,
    from: Address,
    atMs: number,
  ) {
    super(host, message, message.request, from, atMs + message.budgetMs);
    this.actor = { type: message.type, id: message.id };
    this.#endpoint = endpoint;
    this.atMs = atMs;
  }

  override snapshot(value: unknown, root: string): Body {
    return this.#endpoint.snapshot(value, root);
  }

  protected override answer(result: CallResult): void {
    this.#endpoint.send(this.from, { kind: "reply", request: this.request, result });
  }
}

/** One from the silo itself. */
export class CallFromHere<A extends AskedHere> extends TakenCall {
  override readonly foreign = false;
  override readonly actor: ActorAddress;
  override readonly actorKey: string;
  readonly #asked: A;
  readonly #caller: CallerHere<A>;

  constructor(
    host: TakenCallHost,
    caller: CallerHere<A>,
    asked: A,
    request: number,
    from: Address,
  ) {
    super(host, asked, request, from, asked.deadlineMs);
    this.actor = asked.actor;
    this.actorKey = asked.actorKey;
    this.#asked = asked;
    this.#caller = caller;
  }

  override snapshot(value: unknown, root: string): Body {
    return localBody(value, root);
  }

  protected override answer(result: CallResult): void {
    this.#caller.replied(this.#asked, this.request, result);
  }
}
