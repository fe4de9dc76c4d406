// `this.ctx`: what an actor sees of its activation, and what it may ask of it.
//   C1. Facts are always there. Operations throw FencedError after the actor has been lost (R25).
import { referenceTo } from "@tenure/client/internal";
import type {
  Actor,
  ActorClass,
  ActorContext,
  ActorLog,
  ActorRef,
  CallContext,
  Services,
} from "@tenure/core";
import {
  type ActorAddress,
  ConfigError,
  type EventSink,
  type LogLevel,
  NotAvailableError,
  type ReferenceTarget,
  TenureError,
} from "@tenure/core/internal";
import type { LostActor } from "./lost-actor.ts";
import type { Turn } from "./turn-context.ts";

export interface ContextHost {
  readonly address: ActorAddress;
  readonly silo: string;
  readonly generation: number;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
  readonly services: Services | undefined;
  readonly calls: ReferenceTarget;
  readonly lost: LostActor;
  currentTurn(): Turn | undefined;
  deactivate(): void;
  commit(): Promise<void>;
  clear(): Promise<void>;
}

/** Facts of the final API that come with later versions, and what to do until then. */
const LATER_FACTS: Readonly<Record<string, string>> = {
  reminders: "there are none yet",
};
/** The same of operations. */
const LATER_OPERATIONS: Readonly<Record<string, string>> = {
  remind: "let a client call the actor at that time",
  forget: "there are no reminders yet",
  timer: "use setTimeout and a call to the actor itself",
  emit: "let callers poll a read method",
};

/** One object for each activation, which refers to its host and has nothing else of its own. */
export class ActivationContext implements ActorContext {
  readonly #host: ContextHost;
  #log: ActorLog | undefined;

  constructor(host: ContextHost) {
    this.#host = host;
  }

  get type(): string {
    return this.#host.address.type;
  }

  get id(): string {
    return this.#host.address.id;
  }

  get silo(): string {
    return this.#host.silo;
  }

  get generation(): number {
    return this.#host.generation;
  }

  get signal(): AbortSignal {
    return this.#host.signal;
  }

  get log(): ActorLog {
    return (this.#log ??= actorLog(this.#host));
  }

  get call(): CallContext {
    const turn = this.#host.currentTurn();
    if (!turn)
      throw new TenureError(
        "NO_TURN",
        "ctx.call is known only inside a turn: not in a constructor, nor in work that a turn did not await",
      );
    return turn.call;
  }

  get services(): Services {
    const { services, silo } = this.#host;
    if (!services) throw new ConfigError("services", `createSilo of '${silo}' was given none`);
    return services;
  }

  get<A extends Actor<unknown>>(actor: ActorClass<A> | string, id: string): ActorRef<A> {
    return referenceTo(actor, id, this.#host.calls);
  }

  deactivate(): void {
    this.#host.lost.refuse("ctx.deactivate");
    this.#host.deactivate();
  }

  commit(): Promise<void> {
    return this.#host.commit();
  }

  clear(): Promise<void> {
    return this.#host.clear();
  }

  static {
    const reserve = (names: Readonly<Record<string, string>>, operations: boolean): void => {
      for (const [name, instead] of Object.entries(names))
        Object.defineProperty(this.prototype, name, {
          get(this: ActivationContext) {
            if (operations) this.#host.lost.refuse(`ctx.${name}`);
            throw new NotAvailableError(`ctx.${name}`, instead);
          },
        });
    };
    reserve(LATER_FACTS, false);
    reserve(LATER_OPERATIONS, true);
  }
}

function actorLog({ emit, address: actor }: ContextHost): ActorLog {
  const write =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      emit({ type: "actor.log", level, actor, message, fields });
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
