// One value, written and read: the classic object of linearizability.
import { Actor, defineActor } from "tenure";

export class Register extends Actor<{ value: string }> {
  static readonly actor = defineActor<Register>({
    type: "register",
    state: () => ({ value: "" }),
    methods: { get: "read" },
  });

  async put(value: string): Promise<void> {
    this.state.value = value;
  }

  /** Puts `value` if the register holds `expected`. */
  async swap(expected: string, value: string): Promise<boolean> {
    if (this.state.value !== expected) return false;
    this.state.value = value;
    return true;
  }

  get(): string {
    return this.state.value;
  }
}
