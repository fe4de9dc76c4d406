// A process with a silo in which a call runs; SIGTERM comes from its parent. Tells how the call ended.
//   argument "listens": it has a listener of its own for SIGTERM.
import { Actor, createSilo, defineActor } from "tenure";

class Slow extends Actor<{ n: number }> {
  static readonly actor = defineActor<Slow>({ type: "slow", state: () => ({ n: 0 }) });
  async add(): Promise<number> {
    process.send?.("begun");
    await new Promise((resolve) => {
      process.once("message", resolve);
    });
    this.state.n += 1;
    return this.state.n;
  }
}

const silo = await createSilo({ actors: [Slow], onEvent: () => undefined });
const calls = process.argv[2] !== "stopped";
if (process.argv[2] === "listens") process.once("SIGTERM", () => process.send?.("mine"));
if (calls)
  silo.client
    .get(Slow, "s")
    .add()
    .then(
      (n) => process.send?.(`answered ${n}`),
      (error: unknown) => process.send?.(`failed: ${String(error)}`),
    );
else {
  await silo.stop();
  process.on("message", () => undefined);
  process.send?.("begun");
}
