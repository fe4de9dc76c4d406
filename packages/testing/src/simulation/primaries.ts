// What the simulated store holds, and how it forgets (A2): its newest transactions, everything, one record; or it splits
// into two primaries, of which one is dropped later. A replica may lag behind and answer reads.
//   P1. Of each row that went back, everybody who asked is told what it was and what it is: a check of histories must know
//       which acknowledged writes the store, and not the protocol, has lost.
import type { Incarnation } from "@tenure/core/internal";
import type { StoreWatch } from "./store-watch.ts";
import { type SimRow, SimTables } from "./tables.ts";

export type RowLost = (key: string, before: SimRow, after: SimRow | undefined) => void;

export class Primaries {
  #first: SimTables = new SimTables();
  /** The other side of a split, and the processes that talk to it. */
  #second: { readonly tables: SimTables; readonly processes: ReadonlySet<string> } | undefined;
  #replica: SimTables | undefined;
  readonly #watch: StoreWatch | undefined;
  readonly #listeners = new Set<RowLost>();

  constructor(watch: StoreWatch | undefined) {
    this.#watch = watch;
  }

  /** What the store holds now; of a split store, the first side. */
  get tables(): SimTables {
    return this.#first;
  }

  /** A copy that stays behind, while there is one. */
  get replica(): SimTables | undefined {
    return this.#replica;
  }

  of(process: string): SimTables {
    return this.#second?.processes.has(process) ? this.#second.tables : this.#first;
  }

  onRowLost(listener: RowLost): void {
    this.#listeners.add(listener);
  }

  /** Takes back the newest `count` transactions. */
  lose(count: number): void {
    this.#back(() => this.#first.lose(count));
    this.#watch?.wentBack(this.#first);
  }

  /** Nobody may claim anything afterwards until all who served have stopped (R13): there is no time of two owners. */
  loseEverything(): void {
    this.#back(() => this.#first.loseEverything());
    this.#watch?.emptied(this.#first);
  }

  loseMember(incarnation: Incarnation): void {
    this.#first.loseMember(incarnation);
  }

  /** From now on these processes write to another primary; the returned function ends the split and drops one side. */
  divide(processes: ReadonlySet<string>): (keep: "first" | "second") => void {
    // One split at a time.
    if (this.#second) return () => undefined;
    const second = { tables: this.#first.fork(), processes };
    this.#second = second;
    this.#watch?.divided(second.tables);
    return (keep) => {
      this.#second = undefined;
      const dropped = keep === "first" ? second.tables : this.#first;
      this.#first = keep === "first" ? this.#first : second.tables;
      this.#tell(dropped.rows, this.#first.rows);
      this.#watch?.united(dropped);
    };
  }

  lagBehind(): void {
    this.#replica = this.#first.fork();
  }

  catchUp(): void {
    this.#replica = undefined;
    this.#watch?.caughtUp();
  }

  #back(change: () => void): void {
    const before = new Map(this.#first.rows);
    change();
    this.#tell(before, this.#first.rows);
  }

  #tell(before: ReadonlyMap<string, SimRow>, after: ReadonlyMap<string, SimRow>): void {
    for (const [key, row] of before)
      if (after.get(key) !== row)
        for (const listener of this.#listeners) listener(key, row, after.get(key));
  }
}
