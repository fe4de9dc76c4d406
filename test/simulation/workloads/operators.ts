// Operators who end and move actors while everything else goes on. Whatever they do, no promise suffers.
import { CallError, SiloNotFoundError, type TenureError } from "tenure";
import type { Simulation } from "@tenure/testing";

/** Some of them may be gone, or never have been there: that is told, too. */
const SILOS = ["silo-1", "silo-2", "silo-3"];

export class Operators {
  readonly #sim: Simulation;
  /** Types and ids of the actors that they know. */
  readonly #actors: readonly (readonly [type: string, id: string])[];

  constructor(sim: Simulation, actors: readonly (readonly [type: string, id: string])[]) {
    this.#sim = sim;
    this.#actors = actors;
  }

  async doSome(): Promise<void> {
    const { random } = this.#sim;
    const admin = this.#sim.anyAdmin();
    if (!admin) return;
    const [type, id] = pick(this.#actors, random.next());
    const x = random.next();
    if (x < 0.6) {
      const silo = pick(SILOS, random.next());
      await this.#order("moved", () => admin.move(type, id, silo));
    } else if (x < 0.85) await this.#order("ended", () => admin.deactivate(type, id));
    else await this.#order("explained", () => admin.explain(type, id));
  }

  async #order(what: string, order: () => Promise<unknown>): Promise<void> {
    // Whose silo is killed hears nothing any more.
    const over = this.#sim.sleep(3 * this.#sim.callTimeoutMs).then(() => "over");
    try {
      const answer = await Promise.race([order(), over]);
      if (answer !== "over") this.#sim.saw(`an actor ${what} by an operator`);
    } catch (error) {
      if (error instanceof SiloNotFoundError || error instanceof CallError)
        this.#sim.saw(`an operator is told: ${(error as TenureError).code}`);
      else throw error;
    }
  }
}

function pick<T>(from: readonly T[], chance: number): T {
  return from[Math.floor(chance * from.length)]!;
}
