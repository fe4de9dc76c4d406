// Actors that are called back by those whom they call, and say what became of their state.
import { Actor, defineActor } from "tenure";

export class Weaver extends Actor<{ threads: string[] }> {
  static readonly actor = defineActor<Weaver>({
    type: "weaver",
    placement: "random",
    state: () => ({ threads: [] }),
    methods: { silo: "interleave", threads: "read" },
    reentrancy: "chain",
  });

  silo(): string {
    return this.ctx.silo;
  }
  /** Adds a thread, has the others of `path` do so in turn, and adds another; the last of them may lead back. */
  async weave(name: string, path: readonly string[], tears = false): Promise<readonly string[]> {
    this.state.threads.push(`${name} begins`);
    const [next, ...rest] = path;
    if (next !== undefined) await this.ctx.get(Weaver, next).weave(`${name}'`, rest);
    this.state.threads.push(`${name} ends`);
    if (tears) throw new RangeError(name);
    return this.state.threads;
  }
  threads(): readonly string[] {
    return this.state.threads;
  }
}

/** Lets everybody in, and saves when it is told to. */
export class Desk extends Actor<{ papers: string[] }> {
  static readonly actor = defineActor<Desk>({
    type: "desk",
    placement: "random",
    state: () => ({ papers: [] }),
    methods: { papers: "read" },
    reentrancy: "full",
    commit: "explicit",
  });
  readonly #holding: (() => void)[] = [];

  async hold(paper: string): Promise<number> {
    this.state.papers.push(paper);
    await new Promise<void>((resolve) => this.#holding.push(resolve));
    return this.state.papers.length;
  }
  /** How many were held. */
  async letGo(): Promise<number> {
    for (const resolve of this.#holding) resolve();
    return this.#holding.splice(0).length;
  }
  async file(): Promise<void> {
    await this.ctx.commit();
  }
  async shred(): Promise<void> {
    await this.ctx.clear();
    await this.ctx.commit();
  }
  async leave(): Promise<void> {
    this.ctx.deactivate();
  }
  papers(): readonly string[] {
    return this.state.papers;
  }
}
