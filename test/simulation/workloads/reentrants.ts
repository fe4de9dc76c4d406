// Actors that let calls in: of their own chain, and of anyone. What a call committed on the way stays, whatever becomes of it;
// what it says did not happen is nowhere.
import { type Actor as AnyActor, Actor, type ActorClass, defineActor } from "tenure";
import type { Simulation } from "@tenure/testing";
import { tried } from "./outcome.ts";

interface Items {
  items: string[];
}

interface LoopActor extends AnyActor<Items> {
  around(op: string, plan: Plan): Promise<void>;
  inner(op: string, fails: boolean): Promise<void>;
  read(): number;
}

interface BetweenActor extends AnyActor {
  back(loop: string, op: string, plan: Plan): Promise<void>;
}

interface PadActor extends AnyActor<Items> {
  write(op: string, how: How): Promise<void>;
  wipe(): Promise<number>;
}

interface Plan {
  readonly innerFails: boolean;
  readonly outerFails: boolean;
  readonly backs: number;
}

type How = "commit" | "leave" | "throw" | "self" | "keyed";
type Class<A extends AnyActor<unknown>> = ActorClass<A & AnyActor<unknown>>;

interface Done<P> {
  readonly op: string;
  readonly plan: P;
  readonly outcome: "ok" | "threw" | "not-executed" | "unknown";
}

const HOWS: readonly How[] = ["commit", "leave", "throw", "self", "keyed"];
const LOOPS = 2;

export class Reentrants {
  readonly actors: readonly ActorClass<AnyActor<unknown>>[];
  readonly #sim: Simulation;
  readonly #loop: Class<LoopActor>;
  readonly #pad: Class<PadActor>;
  readonly #rounds = new Map<string, Done<Plan>[]>();
  readonly #writes: Done<How>[] = [];
  #next = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    const between = makeBetween(() => this.#loop);
    this.#loop = makeLoop(sim, between);
    this.#pad = makePad(sim);
    this.actors = [this.#loop, between, this.#pad];
  }

  async doSome(): Promise<void> {
    const x = this.#sim.random.next();
    if (x < 0.6) return await this.#round();
    if (x < 0.95) return await this.#write();
    const wiped = await tried(this.#sim, () => this.#sim.anyClient().get(this.#pad, "w").wipe());
    if (wiped.outcome === "ok" && wiped.value !== 0)
      this.#sim.violated("workload", `a state that was cleared has ${wiped.value} items`);
  }

  recovered(): ReadonlyMap<string, () => unknown> {
    const { client } = this.#sim;
    const ids = [...this.#rounds.keys()];
    return new Map(ids.map((id) => [`loop/${id}`, () => client.get(this.#loop, id).read()]));
  }

  check(): void {
    if (!this.#sim.storeKept) return;
    for (const [id, rounds] of this.#rounds) {
      const items = this.#stored("loop", id);
      for (const round of rounds) this.#checkRound(id, round, items);
    }
    const items = this.#stored("pad", "p");
    for (const { op, plan, outcome } of this.#writes) {
      const found = items.filter((item) => item === op).length;
      const must = outcome === "ok" && plan !== "leave" ? 1 : 0;
      const may = outcome === "not-executed" ? 0 : 1;
      if (found < must || found > may)
        this.#sim.violated(
          "workload",
          `pad/p: ${op} (${plan}, ${outcome}) is there ${found} times`,
        );
    }
  }

  async #round(): Promise<void> {
    const { random } = this.#sim;
    const id = `l-${Math.floor(random.next() * LOOPS)}`;
    const plan: Plan = {
      innerFails: random.next() < 0.2,
      outerFails: random.next() < 0.2,
      backs: random.next() < 0.3 ? 2 : 1,
    };
    const op = `o${this.#next++}`;
    const { outcome } = await tried(this.#sim, () =>
      this.#sim.anyClient().get(this.#loop, id).around(op, plan),
    );
    this.#sim.saw(`a call came back to its own chain: ${outcome}`);
    this.#of(id).push({ op, plan, outcome });
  }

  async #write(): Promise<void> {
    const plan = HOWS[Math.floor(this.#sim.random.next() * HOWS.length)]!;
    const op = `w${this.#next++}`;
    const pad = this.#sim.anyClient().get(this.#pad, "p");
    const { outcome } = await tried(this.#sim, () =>
      (plan === "keyed" ? pad.$with({ idempotencyKey: op }) : pad).write(op, plan),
    );
    this.#writes.push({ op, plan, outcome });
  }

  #checkRound(id: string, { op, plan, outcome }: Done<Plan>, items: readonly string[]): void {
    const at = (part: string): number => items.indexOf(`${op}.${part}`);
    const problem = (what: string): void =>
      this.#sim.violated("workload", `loop/${id}: ${op} (${outcome}): ${what}`);
    const mine = items.filter((item) => item.startsWith(`${op}.`));
    if (new Set(mine).size < mine.length) problem(`doubled: ${mine.join(" ")}`);
    const inner = mine.filter((item) => item.includes(".inner"));
    if (outcome === "not-executed" && mine.length > 0) problem(`left ${mine.join(" ")}`);
    if (plan.innerFails && inner.length > 0) problem("an inner turn that threw left something");
    if (plan.outerFails && at("end") !== -1) problem("an outer turn that threw left its end");
    // Of an outer turn that was lost, an inner one may have run alone, in the next activation.
    if (outcome !== "ok" && outcome !== "threw") return;
    if (inner.some((item) => items.indexOf(item) < at("begin")))
      problem("an inner turn is there before what came before it");
    if (at("begin") === -1) problem("its beginning was shared, and is gone");
    if (!plan.innerFails && inner.length !== plan.backs) problem(`${inner.length} inner turns`);
    if (outcome === "ok" && at("end") < at("begin")) problem("its end is gone");
  }

  #stored(type: string, id: string): readonly string[] {
    return (this.#sim.stored(type, id) as Items | undefined)?.items ?? [];
  }

  #of(id: string): Done<Plan>[] {
    let rounds = this.#rounds.get(id);
    if (!rounds) this.#rounds.set(id, (rounds = []));
    return rounds;
  }
}

function makeLoop(sim: Simulation, between: Class<BetweenActor>): Class<LoopActor> {
  return class Loop extends Actor<Items> {
    static readonly actor = defineActor<Loop>({
      type: "loop",
      state: () => ({ items: [] }),
      methods: { read: "read" },
      reentrancy: "chain",
    });
    async around(op: string, plan: Plan): Promise<void> {
      this.state.items.push(`${op}.begin`);
      if (sim.random.next() < 0.3) await sim.sleepIn(this, sim.random.next() * 20);
      await Promise.all(
        Array.from({ length: plan.backs }, async (_, n) => {
          // A message that is lost must not hold the actor up for longer than it may take to recover.
          const by = this.ctx.get(between, `b-${n}`).$with({ timeoutMs: sim.leaseTtlMs / 2 });
          await by.back(this.ctx.id, `${op}.inner${n}`, plan).catch((error: unknown) => {
            // As asked; anything else ends the turn.
            if (!(error instanceof RangeError)) throw error;
          });
        }),
      );
      this.state.items.push(`${op}.end`);
      if (plan.outerFails) throw new RangeError("the outer turn fails, and keeps what it shared");
    }
    async inner(op: string, fails: boolean): Promise<void> {
      this.state.items.push(op);
      if (sim.random.next() < 0.3) await sim.sleepIn(this, sim.random.next() * 20);
      if (fails) throw new RangeError("the inner turn fails, and leaves nothing");
    }
    read() {
      return this.state.items.length;
    }
  };
}

function makeBetween(loop: () => Class<LoopActor>): Class<BetweenActor> {
  return class Between extends Actor {
    static readonly actor = defineActor<Between>({
      type: "between",
      methods: { back: "interleave" },
    });
    async back(id: string, op: string, plan: Plan): Promise<void> {
      await this.ctx.get(loop(), id).inner(op, plan.innerFails);
    }
  };
}

function makePad(sim: Simulation): Class<PadActor> {
  return class Pad extends Actor<Items> {
    static readonly actor = defineActor<Pad>({
      type: "pad",
      state: () => ({ items: [] }),
      reentrancy: "full",
      commit: "explicit",
    });
    async write(op: string, how: How): Promise<void> {
      if (how === "self") {
        await this.ctx.get<PadActor>("pad", this.ctx.id).write(op, "commit");
        return;
      }
      this.state.items.push(op);
      if (sim.random.next() < 0.3) await sim.sleepIn(this, sim.random.next() * 20);
      if (how === "commit") await this.ctx.commit();
      if (how === "throw") throw new RangeError("this turn fails, and takes nothing back");
    }
    async wipe(): Promise<number> {
      this.state.items.push("w");
      await this.ctx.commit();
      await this.ctx.clear();
      const { length } = this.state.items;
      await this.ctx.commit();
      return length;
    }
  };
}
