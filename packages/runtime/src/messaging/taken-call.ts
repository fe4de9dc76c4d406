// A call that a silo has in its hands: it comes from the transport or from the silo itself, and is one object from then on until
// it is answered. Every call makes one of these: what it needs of others it refers to, and makes no function of its own.
import type {
  ActorAddress,
  Address,
  Body,
  CallHeaders,
  CallResult,
  ChainLink,
  IdempotencyKey,
  ResolvedMethod,
} from "@tenure/core/internal";
import type { IncomingCall } from "../activation/incoming-call.ts";

/** What the caller has said. */
export interface Said {
  readonly actor: ActorAddress;
  /** The actor's name, where it is at hand. */
  readonly actorKey: string | undefined;
  readonly method: string;
  readonly args: Body;
  readonly key: IdempotencyKey | undefined;
  readonly chain: readonly ChainLink[];
  readonly repeatable: boolean;
  readonly strict: boolean;
  readonly headers: CallHeaders | undefined;
}

/** Who asked, and how it is answered. */
export interface Asker {
  /** From another process: its address and all that it says have not been looked at. */
  readonly foreign: boolean;
  /** A copy of a result, in the form in which it will travel to this caller. */
  snapshot(value: unknown, root: string): Body;
  answer(call: TakenCall, result: CallResult): void;
}

export interface TakenCallHost {
  /** Looks at it, and answers it or hands it on. */
  dispatch(call: TakenCall, nowMs: number): void;
  /** One that was counted as open is answered or given up. */
  closed(): void;
}

export class TakenCall implements IncomingCall {
  readonly request: number;
  readonly from: Address;
  readonly atMs: number;
  readonly deadlineMs: number;
  readonly actor: ActorAddress;
  readonly actorKey: string | undefined;
  readonly methodName: string;
  readonly args: Body;
  readonly key: IdempotencyKey | undefined;
  readonly chain: readonly ChainLink[];
  readonly repeatable: boolean;
  readonly strict: boolean;
  readonly headers: CallHeaders | undefined;
  readonly asker: Asker;
  /** Known as soon as it has been dispatched. */
  method!: ResolvedMethod;
  readonly #host: TakenCallHost;

  constructor(
    host: TakenCallHost,
    asker: Asker,
    said: Said,
    request: number,
    from: Address,
    atMs: number,
    deadlineMs: number,
  ) {
    this.#host = host;
    this.asker = asker;
    this.request = request;
    this.from = from;
    this.atMs = atMs;
    this.deadlineMs = deadlineMs;
    this.actor = said.actor;
    this.actorKey = said.actorKey;
    this.methodName = said.method;
    this.args = said.args;
    this.key = said.key;
    this.chain = said.chain;
    this.repeatable = said.repeatable;
    this.strict = said.strict;
    this.headers = said.headers;
  }

  start(nowMs: number): void {
    this.#host.dispatch(this, nowMs);
  }

  /** Answers it before it was counted as open. */
  refuse(result: CallResult): void {
    this.asker.answer(this, result);
  }

  snapshot(value: unknown, root: string): Body {
    return this.asker.snapshot(value, root);
  }

  reply(result: CallResult): void {
    this.#host.closed();
    this.asker.answer(this, result);
  }

  abandon(): void {
    this.#host.closed();
  }
}
