// The actors that are measured. Each counts what it did, so that a run can be checked to the last call.
import { Actor, type ActorDefinition, defineActor } from "tenure";
import { someMillisecond } from "./arithmetic.ts";
import type { Payload } from "./payload.ts";

export interface Tally {
  readonly calls: number;
  readonly sum: number;
}

/** Without state: nothing but the way of a call is measured. */
export class Porter extends Actor {
  static readonly actor: ActorDefinition<Porter> = defineActor<Porter>({
    type: "porter",
    idle: false,
  });
  #calls = 0;
  #sum = 0;

  add(n: number): number {
    this.#calls += 1;
    this.#sum += n;
    return n;
  }

  carry(load: Payload): Payload {
    this.#calls += 1;
    this.#sum += load.n;
    return load;
  }

  tally(): Tally {
    return { calls: this.#calls, sum: this.#sum };
  }
}

interface Account {
  calls: number;
  sum: number;
  owner: string;
}

/** With state: every `add` is one durable write. */
export class Ledger extends Actor<Account> {
  static readonly actor: ActorDefinition<Ledger> = defineActor<Ledger>({
    type: "ledger",
    idle: false,
    state: () => ({ calls: 0, sum: 0, owner: "somebody" }),
  });

  add(n: number): number {
    this.state.calls += 1;
    this.state.sum += n;
    return this.state.sum;
  }

  tally(): Tally {
    return { calls: this.state.calls, sum: this.state.sum };
  }
}

/** Without state, and with work to do: its silo is full long before whoever calls it is. */
export class Toiler extends Actor {
  static readonly actor: ActorDefinition<Toiler> = defineActor<Toiler>({
    type: "toiler",
    idle: false,
  });
  #calls = 0;
  #mixed = 1;

  toil(load: Payload): number {
    this.#calls += 1;
    this.#mixed = someMillisecond(this.#mixed ^ load.n);
    return this.#calls;
  }

  tally(): Tally {
    return { calls: this.#calls, sum: 0 };
  }
}

/** With state, and collected soon: whoever calls it now and then activates it each time. */
export class Visitor extends Ledger {
  static override readonly actor: ActorDefinition<Visitor> = defineActor<Visitor>({
    type: "visitor",
    idle: "1s",
    state: () => ({ calls: 0, sum: 0, owner: "somebody" }),
  });
}
