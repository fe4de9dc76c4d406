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
  readonly actor: ActorAddress;
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

export function actorContext(host: ContextHost): ActorContext {
  const context: ActorContext = {
    type: host.actor.type,
    id: host.actor.id,
    silo: host.silo,
    generation: host.generation,
    get signal(): AbortSignal {
      return host.signal;
    },
    log: actorLog(host),
    get call(): CallContext {
      const turn = host.currentTurn();
      if (!turn)
        throw new TenureError(
          "NO_TURN",
          "ctx.call is known only inside a turn: not in a constructor, nor in work that a turn did not await",
        );
      return turn.call;
    },
    get services(): Services {
      if (!host.services)
        throw new ConfigError("services", `createSilo of '${host.silo}' was given none`);
      return host.services;
    },
    get: <A extends Actor<unknown>>(actor: ActorClass<A> | string, id: string): ActorRef<A> =>
      referenceTo(actor, id, host.calls),
    deactivate: () => {
      host.lost.refuse("ctx.deactivate");
      host.deactivate();
    },
    commit: () => host.commit(),
    clear: () => host.clear(),
  };
  reserve(context, LATER_FACTS, () => undefined);
  reserve(context, LATER_OPERATIONS, (what) => host.lost.refuse(what));
  return context;
}

function reserve(
  context: ActorContext,
  names: Readonly<Record<string, string>>,
  guard: (what: string) => void,
): void {
  for (const [name, instead] of Object.entries(names))
    Object.defineProperty(context, name, {
      get: () => {
        guard(`ctx.${name}`);
        throw new NotAvailableError(`ctx.${name}`, instead);
      },
    });
}

function actorLog(host: ContextHost): ActorLog {
  const write =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      host.emit({ type: "actor.log", level, actor: host.actor, message, fields });
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
