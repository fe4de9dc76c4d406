// An actor that throws whatever there is to throw, by itself or through others.
import { Actor, defineActor, defineError } from "tenure";

export const Limit = defineError<{ limit: number; seen: Map<string, bigint> }>()("LIMIT");

export const THROWN: Readonly<Record<string, () => unknown>> = {
  defined: () =>
    Limit({ limit: 7, seen: new Map([["a", 1n]]) }, { cause: new RangeError("inner") }),
  aggregate: () => new AggregateError([new TypeError("one"), "two", null], "all"),
  abort: () => new DOMException("stopped", "AbortError"),
  text: () => "x",
  null: () => null,
  symbol: () => Symbol("s"),
  hostile: () => ({
    toString() {
      throw new Error("gotcha");
    },
  }),
  partly: () => Object.assign(new TypeError("m"), { fine: 1, socket: process.stdout }),
};

export class Thrower extends Actor {
  static readonly actor = defineActor<Thrower>({
    type: "thrower",
    placement: "random",
    methods: { silo: "read" },
  });
  async throwIt(what: string): Promise<void> {
    throw THROWN[what]!();
  }
  async throwThrough(what: string, ...others: readonly string[]): Promise<void> {
    const [next, ...rest] = others;
    if (next === undefined) await this.throwIt(what);
    else await this.ctx.get(Thrower, next).throwThrough(what, ...rest);
  }
  silo(): string {
    return this.ctx.silo;
  }
}
