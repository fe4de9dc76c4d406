// The actor of the torture tests: an append-only list, on which every lost, doubled or reordered write shows.
import { createHash } from "node:crypto";
import { Actor, defineActor } from "tenure";

export interface Appended {
  readonly index: number;
  readonly hash: string;
}

export class Ledger extends Actor<{ items: string[] }> {
  static readonly actor = defineActor<Ledger>({
    type: "ledger",
    state: () => ({ items: [] }),
    methods: { read: "read", peek: "read", whereabouts: "read" },
  });

  async append(item: string): Promise<Appended> {
    this.state.items.push(item);
    return { index: this.state.items.length - 1, hash: hashOf(this.state.items) };
  }

  /** Appends, and then fails: nothing of it may stay. */
  async fail(item: string): Promise<void> {
    this.state.items.push(item);
    throw new RangeError("this turn fails, and leaves nothing");
  }

  /** Tells its process that it has begun, then takes its time: a call that is surely under way. */
  async appendSlowly(item: string, ms: number): Promise<Appended> {
    process.send?.({ begun: item });
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
    return await this.append(item);
  }

  read(): { readonly items: readonly string[]; readonly hash: string } {
    return { items: this.state.items, hash: hashOf(this.state.items) };
  }

  /** How long it is, and its end: for those who read often. */
  peek(): { readonly length: number; readonly last: string | undefined; readonly hash: string } {
    const { items } = this.state;
    return { length: items.length, last: items.at(-1), hash: hashOf(items) };
  }

  whereabouts(): { readonly silo: string; readonly generation: number } {
    return { silo: this.ctx.silo, generation: this.ctx.generation };
  }
}

export function hashOf(items: readonly string[]): string {
  return createHash("sha256").update(items.join("\n")).digest("hex").slice(0, 16);
}
