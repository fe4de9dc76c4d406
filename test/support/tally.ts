// Keyed credits: the keys in the order in which they took effect. A key that counts twice stands there twice.
import { Actor, defineActor } from "tenure";

export class Tally extends Actor<{ keys: string[] }> {
  static readonly actor = defineActor<Tally>({
    type: "tally",
    state: () => ({ keys: [] }),
    methods: { read: "read" },
  });

  /** Answers the place at which the key stands. */
  async credit(key: string): Promise<number> {
    return this.state.keys.push(key) - 1;
  }

  read(): readonly string[] {
    return this.state.keys;
  }
}
