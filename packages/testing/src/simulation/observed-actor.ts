// An actor class whose every start of user code is seen: construction and turns.
//   B1. The class behaves as the user wrote it: same type, same methods, same results; only its beginnings are told.
import type { Actor, ActorClass } from "@tenure/core";
import { actorKind } from "@tenure/core/internal";

export interface Activated {
  readonly type: string;
  readonly id: string;
  readonly generation: number;
  readonly stateful: boolean;
  /** False for an activation of a pool, which nobody owns. */
  readonly owned: boolean;
}

export interface UserCode {
  constructed(activation: Activated, actor: Actor<unknown>): void;
  /** `request` is that of the call that the turn serves. */
  turn(activation: Activated, method: string, request: number): void;
}

type Method = (this: Actor<unknown>, ...args: unknown[]) => unknown;

export function observed(actorClass: ActorClass, code: UserCode): ActorClass {
  const stateful = actorClass.actor.state !== undefined;
  const owned = actorClass.actor.stateless === undefined;
  const about = ({ ctx }: Actor<unknown>): Activated => ({
    type: ctx.type,
    id: ctx.id,
    generation: ctx.generation,
    stateful,
    owned,
  });
  const Observed = class extends actorClass {
    static override readonly actor = actorClass.actor;
    constructor() {
      super();
      code.constructed(about(this), this);
    }
  };
  Object.defineProperty(Observed, "name", { value: actorClass.name });
  for (const name of actorKind(actorClass).methods.keys()) {
    const method = (actorClass.prototype as unknown as Record<string, Method>)[name]!;
    const seen: Method = function (...args) {
      code.turn(about(this), name, this.ctx.call.chain.at(-1)!.turn);
      return method.apply(this, args);
    };
    Object.defineProperty(Observed.prototype, name, {
      value: seen,
      writable: true,
      configurable: true,
    });
  }
  return Observed;
}
