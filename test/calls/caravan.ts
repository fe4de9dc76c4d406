// Actors that call each other along a path, and say what each of them was called with, and where.
import { Actor, defineActor } from "tenure";

export interface Stop {
  readonly id: string;
  readonly silo: string;
  /** By name. A list, since a value with a key `__proto__` cannot travel. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export class Caravan extends Actor {
  static readonly actor = defineActor<Caravan>({ type: "caravan", placement: "random" });

  /** `over` is given to the call after the next one. */
  async travel(path: readonly string[], over?: Readonly<Record<string, string>>): Promise<Stop[]> {
    const { id, silo, call } = this.ctx;
    const headers = Object.entries(call.headers).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const here: Stop = { id, silo, headers };
    const [next, ...rest] = path;
    if (next === undefined) return [here];
    const ref = this.ctx.get(Caravan, next);
    return [here, ...(await (over ? ref.$with({ headers: over }) : ref).travel(rest))];
  }
}
