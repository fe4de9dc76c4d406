// A rolling deployment, and now and then one that is rolled back: silos with two versions of one class, whose state the newer one
// migrates. The first silo has the newer code from the start, so that there always is, or comes back, one that knows all state.
//   Migrating fails, too, now and then. Whatever fails: no addition is lost or made twice, older code never sees newer state, and never writes over it.
import { Actor, type ActorClass, defineActor } from "tenure";
import type { Simulation } from "@tenure/testing";
import { tried } from "./outcome.ts";

interface Added {
  readonly version: number;
  readonly sum: number;
}
interface FormActor extends Actor<unknown> {
  add(n: number): Promise<Added>;
  look(): Added;
  leave(): Promise<void>;
}
type FormClass = ActorClass<FormActor>;

interface Recorded {
  certain: number;
  possible: number;
  /** The newest version that a caller was told had written, and when it was. */
  newest: number;
}

const COUNT = 2;

export class Deployments {
  readonly older: FormClass;
  readonly newer: FormClass;
  readonly #sim: Simulation;
  readonly #forms = new Map<string, Recorded>();

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.older = makeOlder();
    this.newer = makeNewer(sim);
  }

  /** Which of the two a silo has: drawn by nothing but its name and its starts, so that a run can be repeated. */
  at(silo: string, starts: number): FormClass {
    if (!/^silo-[2-9]$/.test(silo)) return this.newer;
    // Every third start goes back to the older code.
    return starts % 3 === 1 ? this.newer : this.older;
  }

  async doSome(): Promise<void> {
    const sim = this.#sim;
    const id = `f-${Math.floor(sim.random.next() * COUNT)}`;
    const form = sim.anyClient().get(this.newer, id);
    const x = sim.random.next();
    if (x < 0.2) await tried(sim, () => form.leave());
    else if (x < 0.4) await this.#looked(id);
    else await this.#add(id);
  }

  /** Its state may be of a version that only a silo knows that is still on its way back: asked for at rest. */
  async check(): Promise<void> {
    const sim = this.#sim;
    for (const [id, { certain, possible }] of this.#forms) {
      let got = await tried(sim, async () => await sim.client.get(this.newer, id).look());
      for (let tries = 0; got.outcome !== "ok" && tries < 4; tries++)
        got = await tried(sim, async () => await sim.client.get(this.newer, id).look());
      if (got.outcome !== "ok") {
        sim.violated("I13", `form/${id} does not answer at rest: ${String(got.error)}`);
        continue;
      }
      if (!sim.storeKept) continue;
      const { sum } = got.value;
      if (sum < certain || sum > certain + possible)
        sim.violated(
          "workload",
          `form/${id} has ${sum}; ${certain} were acknowledged, ${possible} may be`,
        );
    }
  }

  async #add(id: string): Promise<void> {
    const sim = this.#sim;
    const form = this.#of(id);
    const { newest } = form;
    const got = await tried(sim, () => sim.anyClient().get(this.newer, id).add(1));
    if (got.outcome === "threw") throw got.error;
    if (got.outcome === "unknown") form.possible += 1;
    if (got.outcome !== "ok") return;
    form.certain += 1;
    if (got.value.version < newest && sim.storeKept)
      sim.violated(
        "workload",
        `form/${id}: code of version ${got.value.version} wrote over state of version ${newest}`,
      );
    form.newest = Math.max(form.newest, got.value.version);
  }

  async #looked(id: string): Promise<void> {
    const got = await tried(
      this.#sim,
      async () => await this.#sim.anyClient().get(this.newer, id).look(),
    );
    if (got.outcome === "threw") throw got.error;
  }

  #of(id: string): Recorded {
    let form = this.#forms.get(id);
    if (!form) this.#forms.set(id, (form = { certain: 0, possible: 0, newest: 0 }));
    return form;
  }
}

function makeOlder(): FormClass {
  return class Form extends Actor<{ sum: number }> {
    static readonly actor = defineActor<Form>({
      type: "form",
      state: () => ({ sum: 0 }),
      methods: { look: "read" },
    });
    override async onActivate(): Promise<void> {
      if ("total" in this.state) throw new Error("older code has newer state");
    }
    async add(n: number): Promise<Added> {
      this.state.sum += n;
      return this.look();
    }
    look(): Added {
      return { version: 1, sum: this.state.sum };
    }
    async leave(): Promise<void> {
      this.ctx.deactivate();
      await Promise.resolve();
    }
  };
}

function makeNewer(sim: Simulation): FormClass {
  return class Form extends Actor<{ total: number }> {
    static readonly actor = defineActor<Form>({
      type: "form",
      version: 2,
      state: () => ({ total: 0 }),
      migrate: (old) => {
        const x = sim.over ? 1 : sim.random.next();
        if (x < 0.1) throw new Error("not this time");
        if (x < 0.15) return undefined as never;
        if (x < 0.2) return Promise.reject(new Error("later")) as never;
        sim.saw("state of an older version migrated");
        return { total: (old as { sum: number }).sum };
      },
      methods: { look: "read" },
    });
    async add(n: number): Promise<Added> {
      this.state.total += n;
      return this.look();
    }
    look(): Added {
      return { version: 2, sum: this.state.total };
    }
    async leave(): Promise<void> {
      this.ctx.deactivate();
      await Promise.resolve();
    }
  };
}
