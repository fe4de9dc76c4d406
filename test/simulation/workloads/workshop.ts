// What defineActor says of a class, under the same faults as everything else: schemas that take their time, a placement by
// hash, and a stateless pool.
import {
  Actor,
  type ActorClass,
  CallError,
  defineActor,
  InvalidArgumentError,
  type StandardSchema,
} from "tenure";
import type { Simulation } from "@tenure/testing";
import { handSchema } from "../../support/hand-schema.ts";
import { tried } from "./outcome.ts";

interface TallyState {
  sum: number;
  /** What the schema adds to each state that it sees. */
  checked: boolean;
}
interface TallyActor extends Actor<TallyState> {
  add(n: number): Promise<number>;
  leave(): Promise<void>;
}
type TallyClass = ActorClass<TallyActor & Actor<unknown>>;

interface HandActor extends Actor<never> {
  work(ms: number): Promise<string>;
  nest(depth: number): Promise<number>;
}
type HandClass = ActorClass<HandActor & Actor<unknown>>;

const MAX_HANDS = 2;

export class Workshop {
  readonly tally: TallyClass = makeTally();
  readonly hand: HandClass;
  readonly #sim: Simulation;
  readonly #counts = new Map<string, { certain: number; possible: number }>();

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.hand = makeHand(sim);
  }

  async doSome(): Promise<void> {
    const x = this.#sim.random.next();
    if (x < 0.5) await this.#add();
    else if (x < 0.6) await this.#refused();
    else if (x < 0.65)
      await tried(this.#sim, () => this.#sim.anyClient().get(this.tally, "t-0").leave());
    else await this.#work();
  }

  recovered(): ReadonlyMap<string, () => unknown> {
    const { client } = this.#sim;
    return new Map<string, () => unknown>([
      ...[...this.#counts.keys()].map(
        (id) => [`tally/${id}`, () => client.get(this.tally, id).add(0)] as const,
      ),
      ["hand", () => client.get(this.hand, "any").work(0)],
    ]);
  }

  check(): void {
    if (!this.#sim.storeKept) return;
    for (const [id, { certain, possible }] of this.#counts) {
      const { sum = 0 } = (this.#sim.stored("tally", id) ?? {}) as Partial<TallyState>;
      if (sum < certain || sum > certain + possible)
        this.#sim.violated(
          "workload",
          `tally/${id} has ${sum}; ${certain} were acknowledged, ${possible} may be`,
        );
    }
  }

  async #add(): Promise<void> {
    const id = `t-${Math.floor(this.#sim.random.next() * 2)}`;
    const got = await tried(this.#sim, () => this.#sim.anyClient().get(this.tally, id).add(1));
    const counts = this.#counts.get(id) ?? { certain: 0, possible: 0 };
    this.#counts.set(id, counts);
    if (got.outcome === "ok") counts.certain += 1;
    else if (got.outcome === "unknown") counts.possible += 1;
    else if (got.outcome === "threw") throw got.error;
  }

  /** It must change nothing: the check knows nothing of it. */
  async #refused(): Promise<void> {
    const got = await tried(this.#sim, () => this.#sim.anyClient().get(this.tally, "t-0").add(-1));
    if (got.outcome === "ok") this.#sim.violated("workload", "the schema let -1 in");
    else if (got.outcome !== "threw" && got.error instanceof InvalidArgumentError)
      this.#sim.saw("arguments refused by a schema");
  }

  async #work(): Promise<void> {
    const { random } = this.#sim;
    const hand = this.#sim.anyClient().get(this.hand, `any ${Math.floor(random.next() * 3)}`);
    const calls = Array.from({ length: 1 + Math.floor(random.next() * 5) }, () =>
      random.next() < 0.2
        ? tried(this.#sim, () => hand.nest(MAX_HANDS))
        : tried(this.#sim, () => hand.work(random.next() * 30)),
    );
    for (const got of await Promise.all(calls)) {
      if (got.outcome === "threw") throw got.error;
      if (got.outcome !== "ok" && got.error instanceof CallError)
        this.#sim.saw(`a pool: ${got.error.code}`);
      else this.#sim.saw("a pool at work");
    }
  }
}

/** Asks for the next step of the event loop before it answers. */
function later<T>(check: (value: unknown) => T | undefined): StandardSchema<unknown, T> {
  return handSchema(async (value) => {
    await Promise.resolve();
    const output = check(value);
    return output === undefined ? { issues: [{ message: "no" }] } : { value: output };
  });
}

function makeTally(): TallyClass {
  return class Tally extends Actor<TallyState> {
    static readonly actor = defineActor<Tally>({
      type: "tally",
      placement: "hash",
      state: later((value) => ({ sum: 0, ...(value as object), checked: true })),
      methods: {
        add: {
          args: later((value): [number] | undefined => {
            const [n] = value as [number];
            return n >= 0 ? [n] : undefined;
          }),
        },
      },
    });
    async add(n: number): Promise<number> {
      if (!this.state.checked) throw new Error("a state that no schema has seen");
      return (this.state.sum += n);
    }
    async leave(): Promise<void> {
      this.ctx.deactivate();
      await Promise.resolve();
    }
  };
}

function makeHand(sim: Simulation): HandClass {
  return class Hand extends Actor<never> {
    static readonly actor = defineActor<Hand>({
      type: "hand",
      stateless: { max: MAX_HANDS },
      maxQueue: 4,
      idle: "1s",
    });
    #busy = false;
    async work(ms: number): Promise<string> {
      if (this.#busy) sim.violated("workload", `${this.ctx.id} works on two calls at once`);
      this.#busy = true;
      await sim.sleepIn(this, ms);
      this.#busy = false;
      return this.ctx.id;
    }
    /** One turn more than there are activations: a deadlock, or refused because others have them. */
    async nest(depth: number): Promise<number> {
      return depth === 0 ? 0 : 1 + (await this.ctx.get(Hand, "any").nest(depth - 1));
    }
  };
}
