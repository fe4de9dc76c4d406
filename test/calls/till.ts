// One class in two versions: the first counts cents, the second euros.
import { Actor, type ActorClass, defineActor } from "tenure";

export interface Paid {
  readonly cents: number;
  readonly version: number;
  readonly silo: string;
}
export interface TillCalls {
  pay(cents: number): Promise<Paid>;
  look(): Paid;
}
export type TillClass = ActorClass<Actor<unknown> & TillCalls>;

class FirstTill extends Actor<{ cents: number }> implements TillCalls {
  static readonly actor = defineActor<FirstTill>({
    type: "till",
    state: () => ({ cents: 0 }),
    methods: { look: "read" },
  });
  async pay(cents: number): Promise<Paid> {
    this.state.cents += cents;
    return this.look();
  }
  look(): Paid {
    return { cents: this.state.cents, version: 1, silo: this.ctx.silo };
  }
}

class SecondTill extends Actor<{ euros: number }> implements TillCalls {
  static readonly actor = defineActor<SecondTill>({
    type: "till",
    version: 2,
    state: () => ({ euros: 0 }),
    migrate: (old) => ({ euros: (old as { cents: number }).cents / 100 }),
    methods: { look: "read" },
  });
  async pay(cents: number): Promise<Paid> {
    this.state.euros += cents / 100;
    return this.look();
  }
  look(): Paid {
    return { cents: Math.round(100 * this.state.euros), version: 2, silo: this.ctx.silo };
  }
}

export const TILLS: Readonly<Record<string, TillClass>> = {
  "1": FirstTill as TillClass,
  "2": SecondTill as TillClass,
};
