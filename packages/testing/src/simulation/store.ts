// The simulated store: directory and storage ports over tables in memory, with everything that stores do wrong.
//   S1. An operation travels to the store, is decided there in one atomic step, and its answer travels back. Each part may
//       be delayed or lost; the request may be applied twice; the answer may be an error though it was applied.
//   S2. A store may lose its newest writes (a suffix, A2), answer reads from an older copy, split into two primaries of
//       which one is later dropped, be away, or lose everything.
//   S3. The decisions are ownership-rules', handed in, so that a test can hand in broken ones.
import {
  type DirectoryProvider,
  type DirectoryTables,
  ownershipRules,
  type OwnershipRules,
  type RowTables,
  type StorageProvider,
  StoreUnavailableError,
  TableDirectory,
  TableStorage,
  type Transact,
} from "@tenure/core/internal";
import type { SimNode } from "./node.ts";
import type { StoreWatch } from "./store-watch.ts";
import { SimTables } from "./tables.ts";
import type { World } from "./world.ts";

export interface StoreFaults {
  /** Mean time of each way. */
  delayMs: number;
  /** Chance that a way takes long, and how long at most: a save may arrive when its actor has long moved. */
  stragglers: number;
  stragglerMs: number;
  /** Chances, per operation. */
  requestLost: number;
  answerLost: number;
  /** Applied, and answered with an error. */
  failedAfterApplying: number;
  /** A library resends it: applied twice, and either answer may be the one that comes. */
  appliedTwice: number;
  /** Reads that are answered from a copy that is some writes old. */
  staleRead: number;
}

export const CALM_STORE: Readonly<StoreFaults> = {
  delayMs: 0.5,
  stragglers: 0,
  stragglerMs: 0,
  requestLost: 0,
  answerLost: 0,
  failedAfterApplying: 0,
  appliedTwice: 0,
  staleRead: 0,
};

export interface SimStoreOptions {
  /** The decisions; they may look at the server's clock, which the shipped ones do not. */
  readonly rules?: ((store: { wallMs(): number }) => OwnershipRules) | undefined;
  /** An empty directory is trusted from the start, as the embedded store's is. @default true */
  readonly startsOpen?: boolean | undefined;
  /** Whoever watches the decisions, from outside of the rules that were handed in. */
  readonly watch?: StoreWatch | undefined;
}

type AllTables = DirectoryTables & RowTables;

export class SimStore {
  readonly faults: StoreFaults = { ...CALM_STORE };
  readonly world: World;
  tables: SimTables = new SimTables();
  away = false;
  readonly #rules: OwnershipRules;
  readonly #watch: StoreWatch | undefined;
  readonly #startsOpen: boolean;
  readonly #random;
  /** Processes that talk to the other primary of a split. */
  #other: { readonly tables: SimTables; readonly nodes: ReadonlySet<string> } | undefined;
  #stale: SimTables | undefined;
  #wallOffsetMs = 0;
  readonly #held = new Map<string, (() => void)[]>();

  constructor(world: World, options: SimStoreOptions = {}) {
    this.world = world;
    this.#watch = options.watch;
    const rules = options.rules?.(this) ?? ownershipRules;
    this.#rules = options.watch?.over(rules) ?? rules;
    this.#startsOpen = options.startsOpen ?? true;
    this.#random = world.fork();
  }

  directory(node: SimNode): DirectoryProvider {
    return {
      name: "simulated",
      open: () =>
        Promise.resolve(
          new TableDirectory(
            {
              durability: DURABILITY,
              startsOpen: this.#startsOpen,
              transact: this.#transact(node, "directory"),
              close: () => Promise.resolve(),
            },
            this.#rules,
          ),
        ),
    };
  }

  storage(node: SimNode): StorageProvider {
    return {
      name: "simulated",
      open: () =>
        Promise.resolve(
          new TableStorage(
            {
              durability: DURABILITY,
              maxStateBytes: 1 << 20,
              transact: this.#transact(node, "storage"),
              close: () => Promise.resolve(),
            },
            this.#rules,
          ),
        ),
    };
  }

  /** The server's clock, which may jump. Nothing decides by it (R4). */
  wallMs(): number {
    return this.world.nowMs + this.#wallOffsetMs;
  }

  jumpWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Takes back the newest `count` writes (A2). */
  lose(count: number): void {
    this.tables.lose(count);
    this.#watch?.storeWentBack();
  }

  loseEverything(): void {
    this.tables.loseEverything();
    this.#watch?.storeWentBack();
  }

  /** From now on these processes write to another primary; the returned function ends the split and drops one side. */
  split(nodes: ReadonlySet<string>): (keep: "first" | "second") => void {
    this.#other = { tables: this.tables.fork(), nodes };
    this.#watch?.storeWentBack();
    return (keep) => {
      if (keep === "second" && this.#other) this.tables = this.#other.tables;
      this.#other = undefined;
      this.#watch?.storeWentBack();
    };
  }

  /** What a process asks from now on is held on its way; the returned function lets it go. */
  hold(process: string): () => void {
    const held: (() => void)[] = [];
    this.#held.set(process, held);
    return () => {
      if (this.#held.get(process) === held) this.#held.delete(process);
      for (const arrive of held) this.world.schedule(0, `store < ${process} (late)`, arrive);
    };
  }

  /** A replica that stays behind from now on, and answers some reads. */
  lagBehind(): void {
    this.#stale = this.tables.fork();
  }

  catchUp(): void {
    this.#stale = undefined;
  }

  #tablesOf(node: SimNode): SimTables {
    return this.#other?.nodes.has(node.name) ? this.#other.tables : this.tables;
  }

  #transact(node: SimNode, port: string): Transact<AllTables> {
    return <T>(step: (tables: AllTables) => T) =>
      new Promise<{ sequence: number; answer: T }>((resolve, reject) => {
        const fault = this.#draw();
        this.#travel(node, `${port} < ${node.name}`, () => {
          if (this.away) {
            this.#answer(node, port, () => reject(new StoreUnavailableError("the store is away")));
            return;
          }
          if (fault === "requestLost") return;
          const first = this.#apply(step, node);
          if (fault === "answerLost") return;
          if (fault === "failedAfterApplying")
            this.#answer(node, port, () =>
              reject(new StoreUnavailableError("the connection broke")),
            );
          else if (fault !== "appliedTwice") this.#answer(node, port, () => resolve(first));
          else {
            // A library between us and the store sent it again: either answer may be the one that comes back.
            const answersSecond = this.#random.next() < 0.5;
            if (!answersSecond) this.#answer(node, port, () => resolve(first));
            this.world.schedule(this.#delayMs() * 4, `${port} << ${node.name}`, () => {
              if (this.away) return;
              const second = this.#apply(step, node);
              if (answersSecond) this.#answer(node, port, () => resolve(second));
            });
          }
        });
      });
  }

  #travel(node: SimNode, what: string, arrive: () => void): void {
    this.world.schedule(this.#delayMs(), what, () => {
      const held = this.#held.get(node.name);
      if (held) held.push(arrive);
      else arrive();
    });
  }

  #apply<T>(step: (tables: AllTables) => T, node: SimNode): { sequence: number; answer: T } {
    const stale = this.#stale && this.#random.next() < this.faults.staleRead;
    if (stale) {
      // Only what changes nothing can be answered by a replica.
      const copy = this.#stale!.fork();
      const answer = this.#unwatched(() => step(copy));
      if (copy.writes === this.#stale!.writes) return { sequence: copy.writes, answer };
    }
    const tables = this.#tablesOf(node);
    const answer = step(tables);
    return { sequence: tables.writes, answer };
  }

  #unwatched<T>(run: () => T): T {
    return this.#watch ? this.#watch.aside(run) : run();
  }

  #draw(): keyof StoreFaults | undefined {
    for (const kind of PER_OPERATION)
      if (this.faults[kind] > 0 && this.#random.next() < this.faults[kind]) return kind;
    return undefined;
  }

  #answer(node: SimNode, port: string, run: () => void): void {
    this.world.schedule(this.#delayMs(), `${port} > ${node.name}`, () => node.run("message", run));
  }

  #delayMs(): number {
    const { delayMs, stragglers, stragglerMs } = this.faults;
    if (stragglers > 0 && this.#random.next() < stragglers)
      return this.#random.next() * stragglerMs;
    return -Math.log(1 - this.#random.next()) * delayMs;
  }
}

const DURABILITY = "what the simulation lets it keep";
const PER_OPERATION = [
  "requestLost",
  "answerLost",
  "failedAfterApplying",
  "appliedTwice",
] as const satisfies readonly (keyof StoreFaults)[];
