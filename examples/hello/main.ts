import { Actor, createSilo, defineActor } from "tenure";

class Counter extends Actor<{ count: number }> {
  static readonly actor = defineActor<Counter>({
    type: "counter",
    state: () => ({ count: 0 }),
    methods: { get: "read" },
  });

  async add(n: number) {
    this.state.count += n;
    return this.state.count; // the reply leaves only when the new state is saved
  }
  get() {
    return this.state.count;
  }
}

const silo = await createSilo({ actors: [Counter] });
const alice = silo.client.get(Counter, "alice");
await alice.add(2);
await alice.add(3);
console.log("alice has", await alice.get()); // alice has 5
await silo.stop();
