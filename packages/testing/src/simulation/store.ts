// The simulated store: directory and storage ports over tables in memory, with everything that stores do wrong on the way.
//   S1. An operation travels to the store, is decided there in one atomic step, and its answer travels back. Each part may
//       be delayed or lost; the request may be applied twice; the answer may be an error though it was applied.
//   S2. What a store forgets is in primaries.ts.
//   S3. The decisions are ownership-rules', handed in, so that a test can hand in broken ones.
import {
  type ActorAddress,
  type ClaimedRow,
  type ClaimRequest,
  type Directory,
  type DirectoryProvider,
  type DirectoryTables,
  JointDirectory,
  type JointDirectorySession,
  ownershipRules,
  type OwnershipRules,
  type PartsRequest,
  type RowTables,
  type Sequenced,
  type Storage,
  type StorageProvider,
  StoreUnavailableError,
  TableDirectory,
  TableStorage,
  type Transact,
} from "@tenure/core/internal";
import type { SimNode } from "./node.ts";
import { Primaries } from "./primaries.ts";
import type { StoreWatch } from "./store-watch.ts";
import type { Scheduled, World } from "./world.ts";

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
  /** Of operations that only read: answered by a replica that lags behind, while there is one. */
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
  /** Directory and rows are one store to the silos: they claim and load in one step. @default false */
  readonly joint?: boolean | undefined;
  /** Whoever watches the decisions, from outside of the rules that were handed in. */
  readonly watch?: StoreWatch | undefined;
}

type AllTables = DirectoryTables & RowTables;

interface UnderWay {
  readonly scheduled: Scheduled;
  readonly what: string;
  readonly arrive: () => void;
}

export class SimStore {
  readonly faults: StoreFaults = { ...CALM_STORE };
  readonly world: World;
  /** What the store holds, and how it forgets it. */
  readonly primaries: Primaries;
  away = false;
  readonly #rules: OwnershipRules;
  readonly #watch: StoreWatch | undefined;
  readonly #startsOpen: boolean;
  readonly #joint: boolean;
  readonly #random;
  #wallOffsetMs = 0;
  readonly #held = new Map<string, (() => void)[]>();
  readonly #underWay = new Set<UnderWay>();

  constructor(world: World, options: SimStoreOptions = {}) {
    this.world = world;
    this.#watch = options.watch;
    this.primaries = new Primaries(options.watch);
    const rules = options.rules?.(this) ?? ownershipRules;
    this.#rules = options.watch?.over(rules) ?? rules;
    this.#startsOpen = options.startsOpen ?? true;
    this.#joint = options.joint ?? false;
    this.#random = world.fork();
  }

  /** `storage`: what its silo has as its storage. */
  directory(node: SimNode, storage: StorageProvider): DirectoryProvider {
    const session = {
      durability: DURABILITY,
      startsOpen: this.#startsOpen,
      close: () => Promise.resolve(),
    };
    const reads = this.#transact(node, "directory", true);
    const primary = this.#transact(node, "directory", false);
    const own: JointDirectorySession = {
      ...session,
      transact: (step) => primary((tables) => step({ directory: tables, rows: tables })),
    };
    return {
      name: "simulated",
      rows: this.#joint ? storage : undefined,
      open: () =>
        Promise.resolve(
          new ReplicatedDirectory(
            new TableDirectory({ ...session, transact: reads }, this.#rules),
            this.#watch,
            own,
            this.#rules,
          ),
        ),
    };
  }

  storage(node: SimNode): StorageProvider {
    const session = (replica: boolean) => ({
      durability: DURABILITY,
      maxStateBytes: 1 << 20,
      transact: this.#transact(node, "storage", replica),
      close: () => Promise.resolve(),
    });
    return {
      name: "simulated",
      open: () =>
        Promise.resolve(
          new ReplicatedStorage(
            new TableStorage(session(true), this.#rules),
            session(false),
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

  /** From now on nothing fails; and nothing is late any more, or the dead would go on renewing after the end of all faults. */
  heal(): void {
    Object.assign(this.faults, CALM_STORE);
    for (const { scheduled, what, arrive } of this.#underWay) {
      scheduled.cancel();
      this.world.schedule(this.#delayMs(), what, arrive);
    }
    this.#underWay.clear();
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

  #transact(node: SimNode, port: string, replica: boolean): Transact<AllTables> {
    return <T>(step: (tables: AllTables) => T) =>
      new Promise<{ sequence: number; answer: T }>((resolve, reject) => {
        const fault = this.#draw();
        this.#travel(node, `${port} < ${node.name}`, () => {
          if (this.away) {
            this.#answer(node, port, () => reject(new StoreUnavailableError("the store is away")));
            return;
          }
          if (fault === "requestLost") return;
          const first = this.#apply(step, node, replica);
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
            this.#send(this.#delayMs() * 4, `${port} << ${node.name}`, () => {
              if (this.away) return;
              const second = this.#apply(step, node, replica);
              if (answersSecond) this.#answer(node, port, () => resolve(second));
            });
          }
        });
      });
  }

  #travel(node: SimNode, what: string, arrive: () => void): void {
    this.#send(this.#delayMs(), what, () => {
      const held = this.#held.get(node.name);
      if (held) held.push(arrive);
      else arrive();
    });
  }

  #send(delayMs: number, what: string, arrive: () => void): void {
    const underWay: UnderWay = {
      what,
      arrive,
      scheduled: this.world.schedule(delayMs, what, () => {
        this.#underWay.delete(underWay);
        arrive();
      }),
    };
    this.#underWay.add(underWay);
  }

  #apply<T>(
    step: (tables: AllTables) => T,
    node: SimNode,
    replica: boolean,
  ): { sequence: number; answer: T } {
    const stale = replica ? this.primaries.replica : undefined;
    if (stale && this.#random.next() < this.faults.staleRead)
      return { sequence: stale.writes, answer: step(stale) };
    const tables = this.primaries.of(node.name);
    this.#watch?.decidesOn(tables);
    const answer = tables.atomic(step);
    return { sequence: tables.writes, answer };
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

/** A directory of which operations that only read may be answered by a replica. */
class ReplicatedDirectory extends JointDirectory {
  readonly #reads: Directory;
  readonly #watch: StoreWatch | undefined;
  constructor(
    reads: Directory,
    watch: StoreWatch | undefined,
    ...own: ConstructorParameters<typeof JointDirectory>
  ) {
    super(...own);
    this.#reads = reads;
    this.#watch = watch;
  }
  override async claimAndLoad(
    requests: readonly ClaimRequest[],
  ): Promise<Sequenced<readonly ClaimedRow[]>> {
    const answered = await super.claimAndLoad(requests);
    for (const { row } of answered.answer) if (row) this.#watch?.rowCame(row);
    return answered;
  }
  override members(): ReturnType<Directory["members"]> {
    return this.#reads.members();
  }
  override lookup(actors: readonly ActorAddress[]): ReturnType<Directory["lookup"]> {
    return this.#reads.lookup(actors);
  }
}

/** The same of a storage. */
class ReplicatedStorage extends TableStorage {
  readonly #reads: Storage;
  constructor(reads: Storage, ...own: ConstructorParameters<typeof TableStorage>) {
    super(...own);
    this.#reads = reads;
  }
  override parts(request: PartsRequest): ReturnType<Storage["parts"]> {
    return this.#reads.parts(request);
  }
}

const DURABILITY = "what the simulation lets it keep";
const PER_OPERATION = [
  "requestLost",
  "answerLost",
  "failedAfterApplying",
  "appliedTwice",
] as const satisfies readonly (keyof StoreFaults)[];
