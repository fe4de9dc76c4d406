// By hand: a table of objects, each an actor with its small state and its mailbox.
import { mustEqual, serve } from "../contestant.ts";
import { heapBytes } from "../heap.ts";

class Actor {
  readonly id: string;
  readonly state: { calls: number; sum: number; owner: string };
  readonly waiting: unknown[] = [];
  constructor(id: string, n: number) {
    this.id = id;
    this.state = { calls: 1, sum: n % 1_000, owner: "somebody" };
  }
}

const actors = new Map<string, Actor>();

serve({
  fill: async ({ actors: more }: { readonly actors: number }) => {
    const before = await heapBytes();
    const first = actors.size;
    const startMs = performance.now();
    for (let n = first; n < first + more; n++) actors.set(`idle-${n}`, new Actor(`idle-${n}`, n));
    const elapsedMs = performance.now() - startMs;
    return { calls: more, elapsedMs, bytes: ((await heapBytes()) - before) / more };
  },
  check: () => {
    let n = 0;
    for (const { state } of actors.values()) mustEqual("sum", state.sum, n++ % 1_000);
  },
});
