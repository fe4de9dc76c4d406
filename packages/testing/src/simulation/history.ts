// What happened to each actor, in order: every claim, load, save, fence, release, start of user code and reply.
import type { World } from "./world.ts";

export interface HistoryEntry {
  readonly atMs: number;
  readonly what:
    | "claimed"
    | "released"
    | "loaded"
    | "saved"
    | "resent"
    | "refused"
    | "constructed"
    | "turn"
    | "replied";
  /** The silo's name; its incarnation's first digits where no name is known. */
  readonly silo: string;
  readonly generation: number;
  readonly detail: string;
}

/** What every actor went through, by `type/id`. */
export class Histories {
  readonly #world: World;
  readonly #byActor = new Map<string, HistoryEntry[]>();

  /** Told of every entry. */
  onEntry: ((actorKey: string, entry: HistoryEntry) => void) | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  add(
    actorKey: string,
    what: HistoryEntry["what"],
    silo: string,
    generation: number,
    detail = "",
  ): void {
    const entry = { atMs: this.#world.nowMs, what, silo, generation, detail };
    this.onEntry?.(actorKey, entry);
    const known = this.#byActor.get(actorKey);
    if (known) known.push(entry);
    else this.#byActor.set(actorKey, [entry]);
  }

  of(actorKey: string): readonly HistoryEntry[] {
    return this.#byActor.get(actorKey) ?? [];
  }

  actors(): readonly string[] {
    return [...this.#byActor.keys()].toSorted();
  }
}

/** One line of a history, for people. */
export function historyLine(entry: HistoryEntry): string {
  const { atMs, what, silo, generation, detail } = entry;
  return `${atMs.toFixed(1).padStart(10)} ${what} on ${silo} generation ${generation}${detail && ` ${detail}`}`;
}
