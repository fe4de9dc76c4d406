// Actors whose calls wait for each other, in one chain or from several.
import { Actor, defineActor } from "tenure";

export class Dancer extends Actor {
  static readonly actor = defineActor<Dancer>({
    type: "dancer",
    placement: "random",
    methods: { silo: "read", begin: "interleave" },
  });
  #begin: (() => void) | undefined;

  silo(): string {
    return this.ctx.silo;
  }
  /** One chain: each calls the next, the last the first. */
  async lead(...others: string[]): Promise<string> {
    const [next, ...rest] = others;
    return next === undefined ? this.ctx.id : await this.ctx.get(Dancer, next).lead(...rest);
  }
  /** Holds its own turn until it is told to begin; then calls another, whose turn may be held, too. */
  async waitFor(other: string): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#begin = resolve;
    });
    return await this.ctx.get(Dancer, other).lead();
  }
  /** False while there is no turn to begin. */
  begin(): boolean {
    this.#begin?.();
    return this.#begin !== undefined;
  }
}
