// Counters with keyed adds: repeated until answered, and sometimes after; each key counts once, with one result.
import { Actor, type ActorClass, defineActor } from "tenure";
import { keyText } from "@tenure/core/internal";
import { checkLinearizable, type Model, type Operation, type Simulation } from "@tenure/testing";
import { tried } from "./outcome.ts";

interface CounterActor extends Actor<{ count: number }> {
  add(n: number): Promise<number>;
  get(): number;
}
type CounterClass = ActorClass<CounterActor & Actor<unknown>>;
type Input = { readonly add: number } | "get";

const MODEL: Model<number, Input, number> = {
  initial: 0,
  step(count, input, output) {
    const next = input === "get" ? count : count + input.add;
    return output === undefined || output === next ? next : undefined;
  },
  key: String,
};
const TRIES = 3;

export class Counters {
  readonly actor: CounterClass;
  readonly #sim: Simulation;
  readonly #operations = new Map<string, Operation<Input, number>[]>();
  /** Counters of which the store lost something: what was acknowledged says nothing about them any more. */
  readonly #lost = new Set<string>();
  #next = 0;
  /** Senders that number their adds: one add at a time each. */
  readonly #senders: { readonly sender: string; sequence: number }[] = [];

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.actor = makeCounter(sim);
    sim.onLost((actor) => this.#lost.add(actor));
  }

  async addSome(): Promise<void> {
    const { random } = this.#sim;
    const id = `c-${Math.floor(random.next() * 2)}`;
    if (random.next() < 0.3) await this.#get(id);
    else await this.#add(id, 1 + Math.floor(random.next() * 9));
  }

  recovered(): ReadonlyMap<string, () => unknown> {
    const { client } = this.#sim;
    return new Map(
      [...this.#operations.keys()].map((id) => [
        `counter/${id}`,
        () => client.get(this.actor, id).get(),
      ]),
    );
  }

  check(): void {
    for (const [id, operations] of this.#operations) {
      if (this.#lost.has(`counter/${id}`)) {
        this.#sim.saw("a counter whose store lost writes");
        continue;
      }
      const { count = 0 } = (this.#sim.stored("counter", id) ?? {}) as { count?: number };
      const end = this.#sim.nowMs;
      const last: Operation<Input, number> = {
        input: "get",
        calledMs: end,
        returned: { atMs: end, output: count },
      };
      switch (checkLinearizable(MODEL, [...operations, last])) {
        case "not-linearizable":
          this.#sim.violated("history", `counter/${id}: no order of its calls explains them`);
          break;
        case "too-hard":
          this.#sim.saw("a history too hard to check");
          break;
        case "linearizable":
      }
    }
  }

  async #add(id: string, add: number): Promise<void> {
    const sim = this.#sim;
    const sender = sim.random.next() < 0.4 ? this.#takeSender(id) : undefined;
    const key = sender ? { ...sender } : `add-${this.#next++}`;
    const calledMs = sim.nowMs;
    let returned: Operation<Input, number>["returned"];
    let maybe = false;
    for (let tries = 0; tries < TRIES; tries++) {
      const reference = sim.anyClient().get(this.actor, id);
      // The same key twice at once joins the running call, or finds its record.
      const both = [reference, ...(sim.random.next() < 0.2 ? [reference] : [])];
      const got = await Promise.all(
        both.map((each) => tried(sim, () => each.$with({ idempotencyKey: key }).add(add))),
      );
      for (const answer of got) {
        if (answer.outcome === "unknown") maybe = true;
        if (answer.outcome !== "ok") continue;
        const lost = this.#lost.has(`counter/${id}`) || sim.wasUnsettled(calledMs, sim.nowMs);
        if (returned && returned.output !== answer.value && !lost)
          sim.violated("I10", `counter/${id}: ${keyText(key)} had two results`);
        returned ??= { atMs: sim.nowMs, output: answer.value };
      }
      if (returned && sim.random.next() < 0.7) break;
    }
    if (sender) this.#senders.push(sender);
    // Not executed: it must not show anywhere, which the check finds out by not knowing it.
    if (returned || maybe) this.#of(id).push({ input: { add }, calledMs, returned });
  }

  /** One that has no call under way, with its next number. What it gave up is over: a straggler of it is refused. */
  #takeSender(id: string): { readonly sender: string; sequence: number } {
    const at = this.#senders.findIndex(({ sender }) => sender.startsWith(id));
    const [free] = at === -1 ? [] : this.#senders.splice(at, 1);
    this.#sim.saw("an add numbered by its sender");
    if (!free) return { sender: `${id}/${this.#next++}`, sequence: 0 };
    free.sequence += 1 + Math.floor(this.#sim.random.next() * 2);
    return free;
  }

  async #get(id: string): Promise<void> {
    const sim = this.#sim;
    const calledMs = sim.nowMs;
    const reference = sim.anyClient().get(this.actor, id);
    const strictReads = sim.random.next() < 0.3;
    const got = await tried(sim, async () => await reference.$with({ strictReads }).get());
    // A silo may not have noticed yet that its claim is gone.
    if (got.outcome === "ok" && !sim.wasUnsettled(calledMs, sim.nowMs))
      this.#of(id).push({
        input: "get",
        calledMs,
        returned: { atMs: sim.nowMs, output: got.value },
      });
  }

  #of(id: string): Operation<Input, number>[] {
    let operations = this.#operations.get(id);
    if (!operations) this.#operations.set(id, (operations = []));
    return operations;
  }
}

function makeCounter(sim: Simulation): CounterClass {
  return class Counter extends Actor<{ count: number }> {
    static readonly actor = defineActor<Counter>({
      type: "counter",
      state: () => ({ count: 0 }),
      methods: { get: "read" },
    });
    async add(n: number): Promise<number> {
      const { count } = this.state;
      if (sim.random.next() < 0.3) await sim.sleepIn(this, sim.random.next() * 20);
      this.state.count = count + n;
      return this.state.count;
    }
    get() {
      return this.state.count;
    }
  };
}
