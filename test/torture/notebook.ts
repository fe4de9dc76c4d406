// An actor whose state is everything that was ever written to it.
import { Actor, defineActor } from "tenure";

export class Notebook extends Actor<{ numbers: number[] }> {
  static readonly actor = defineActor<Notebook>({
    type: "notebook",
    state: () => ({ numbers: [] }),
    methods: { all: "read" },
  });
  async write(number: number) {
    this.state.numbers.push(number);
  }
  all() {
    return this.state.numbers;
  }
}
