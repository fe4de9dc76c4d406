// Append-only lists: plain, slow and throwing turns; a hot one with a short queue; a moody one whose activation sometimes
// fails, and whose turns sometimes never return; and readers that end their activation while they still read.
import {
  type Actor as AnyActor,
  Actor,
  type ActorClass,
  defineActor,
  type Interceptor,
} from "tenure";
import { type AppendRecord, checkAppends, type ReadRecord, type Simulation } from "@tenure/testing";
import { tried } from "./outcome.ts";

export type How = "plain" | "slow" | "throw";

interface LogState {
  items: string[];
}

interface Shown {
  readonly length: number;
  readonly last: string | undefined;
}

interface LogActor extends AnyActor<LogState> {
  append(item: string, how: How): Promise<number>;
  read(): Shown;
  readAndLeave(): Promise<Shown>;
  hang(): Promise<void>;
}

type LogClass = ActorClass<LogActor & AnyActor<unknown>>;

interface Recorded {
  readonly appends: AppendRecord[];
  readonly reads: ReadRecord[];
}

const QUEUE = 6;

export class Logs {
  readonly classes: Readonly<Record<"log" | "hot" | "moody", LogClass>>;
  readonly #sim: Simulation;
  readonly #recorded = new Map<string, Recorded>();
  readonly #hung = new Set<string>();
  /** What stood in a log that the store lost: nobody promised that it is there. */
  readonly #lost = new Set<string>();
  #next = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.classes = {
      log: makeLog(sim, "log", 10_000),
      hot: makeLog(sim, "hot", QUEUE),
      moody: makeMoody(sim),
    };
    sim.onLost((_actor, before, after) => {
      const kept = new Set((after as LogState | undefined)?.items);
      for (const item of (before as LogState | undefined)?.items ?? [])
        if (!kept.has(item)) this.#lost.add(item);
    });
  }

  async appendSome(): Promise<void> {
    const { random } = this.#sim;
    const x = random.next();
    if (x < 0.03 && this.#sim.seed % 4 === 0) return await this.#hang();
    if (x < 0.1) return await this.#leave();
    if (x < 0.6) return await this.#append("log", `log-${Math.floor(random.next() * 3)}`);
    if (x < 0.75) return await this.#append("moody", "moody-0");
    // More at once than the queue takes.
    const burst = x < 0.8 ? 2 * QUEUE : 3;
    await Promise.all(Array.from({ length: burst }, () => this.#append("hot", "hot-0")));
  }

  async readSome(): Promise<void> {
    const known = [...this.#recorded.keys()];
    if (known.length > 0)
      await this.#read(known[Math.floor(this.#sim.random.next() * known.length)]!);
  }

  get hangs(): boolean {
    return this.#hung.size > 0;
  }

  /** Every log that nothing hangs in answers. */
  recovered(): ReadonlyMap<string, () => unknown> {
    const { client } = this.#sim;
    const all = [...this.#recorded.keys()].filter((key) => this.#answers(key));
    return new Map(all.map((key) => [key, () => this.#reference(client, key).read()]));
  }

  async check(): Promise<void> {
    for (const [key, { appends, reads }] of this.#recorded) {
      if (this.#answers(key)) await this.#read(key);
      const stored = (this.#stored(key)?.items ?? []) as readonly string[];
      for (const { rule, detail } of checkAppends(
        this.#promised(appends),
        this.#sound(reads),
        stored,
      ))
        this.#sim.violated("history", `${key}: ${rule}: ${detail}`);
    }
  }

  async #append(type: keyof Logs["classes"], id: string): Promise<void> {
    const sim = this.#sim;
    const key = `${type}/${id}`;
    const item = `x${this.#next++}`;
    const x = sim.random.next();
    const how = x < 0.15 ? "throw" : x < 0.35 ? "slow" : "plain";
    const calledMs = sim.nowMs;
    const { appends } = this.#of(key);
    const reference = this.#reference(sim.anyClient(), key);
    const got = await tried(sim, () => reference.append(item, how));
    const index = got.outcome === "ok" ? got.value : undefined;
    appends.push({ item, calledMs, returnedMs: sim.nowMs, outcome: got.outcome, index });
    if (index === undefined || this.#lost.has(item) || sim.wasUnsettled(calledMs, sim.nowMs))
      return;
    if (this.#stored(key)?.items[index] !== item)
      sim.violated("I9", `${key}: ${item} was acknowledged at ${index} and is not stored there`);
  }

  // The activation ends while calls go on coming.
  async #leave(): Promise<void> {
    const id = `log-${Math.floor(this.#sim.random.next() * 3)}`;
    this.#sim.saw("an activation asked to end in the middle of a turn");
    await Promise.all([
      this.#read(`log/${id}`, "readAndLeave"),
      ...Array.from({ length: 3 }, async () => {
        await this.#sim.sleep(this.#sim.random.next() * 20);
        await this.#append("log", id);
      }),
    ]);
  }

  async #read(key: string, how: "read" | "readAndLeave" = "read"): Promise<void> {
    const sim = this.#sim;
    const calledMs = sim.nowMs;
    const reference = this.#reference(sim.anyClient(), key);
    const got = await tried(sim, async () => await reference[how]());
    if (got.outcome !== "ok") return;
    const { length, last } = got.value;
    this.#of(key).reads.push({ calledMs, returnedMs: sim.nowMs, length, last });
    if (this.#sound(this.#of(key).reads.slice(-1)).length === 0) return;
    const items = this.#stored(key)?.items ?? [];
    if (items.length < length || items[length - 1] !== last)
      sim.violated("I9", `${key}: a read showed ${length} items; ${items.length} are stored`);
  }

  /** What was acknowledged and then lost may be there or not. */
  #promised(appends: readonly AppendRecord[]): readonly AppendRecord[] {
    return appends.map((record) =>
      this.#lost.has(record.item) ? { ...record, outcome: "unknown", index: undefined } : record,
    );
  }

  /** Reads of what the store still promises. */
  #sound(reads: readonly ReadRecord[]): readonly ReadRecord[] {
    return reads.filter(
      ({ calledMs, returnedMs, last }) =>
        !this.#sim.wasUnsettled(calledMs, returnedMs) &&
        (last === undefined || !this.#lost.has(last)),
    );
  }

  // Whoever calls it gives up; the actor stays occupied until its silo is gone.
  async #hang(): Promise<void> {
    const sim = this.#sim;
    const id = "moody-hung";
    this.#hung.add(`moody/${id}`);
    await tried(sim, () =>
      sim.anyClient().get(this.classes.moody, id).$with({ timeoutMs: sim.leaseTtlMs }).hang(),
    );
  }

  #answers(key: string): boolean {
    return !this.#hung.has(key) && !key.startsWith("moody/");
  }

  #reference(client: Simulation["client"], key: string) {
    const [type, id] = key.split("/") as [keyof Logs["classes"], string];
    return client.get(this.classes[type], id);
  }

  #stored(key: string): LogState | undefined {
    const [type, id] = key.split("/") as [string, string];
    return this.#sim.stored(type, id) as LogState | undefined;
  }

  #of(key: string): Recorded {
    let recorded = this.#recorded.get(key);
    if (!recorded) this.#recorded.set(key, (recorded = { appends: [], reads: [] }));
    return recorded;
  }
}

/** What throws is tried once more, in its turn: the first run must have left nothing. */
function makeTwice(sim: Simulation): Interceptor {
  return async (call, next) => {
    try {
      return await next();
    } catch (error) {
      if (call.method !== "append") throw error;
      sim.saw("a method tried again by an interceptor");
      return await next();
    }
  };
}

function makeLog(sim: Simulation, type: string, maxQueue: number): LogClass {
  return class Log extends Actor<LogState> {
    static readonly actor = defineActor<Log>({
      type,
      maxQueue,
      state: () => ({ items: [] }),
      methods: { read: "read", readAndLeave: "read", hang: "interleave" },
      ...(type === "log" ? { interceptors: { incoming: [makeTwice(sim)] } } : {}),
    });
    async append(item: string, how: How): Promise<number> {
      this.state.items.push(item);
      if (how === "slow") await sim.sleepIn(this, sim.random.next() * 30);
      if (how === "throw") throw new RangeError("this turn fails, and leaves nothing");
      return this.state.items.indexOf(item);
    }
    read() {
      return { length: this.state.items.length, last: this.state.items.at(-1) };
    }
    async readAndLeave(): Promise<Shown> {
      this.ctx.deactivate();
      await sim.sleepIn(this, sim.random.next() * 30);
      return { length: this.state.items.length, last: this.state.items.at(-1) };
    }
    async hang(): Promise<void> {}
  };
}

function makeMoody(sim: Simulation): LogClass {
  const Log = makeLog(sim, "moody", 100);
  return class Moody extends Log {
    static override readonly actor = defineActor<Moody>({
      type: "moody",
      maxQueue: 100,
      idle: 2 * sim.leaseTtlMs,
      state: () => ({ items: [] }),
      methods: { read: "read", readAndLeave: "read" },
    });
    override async onActivate(): Promise<void> {
      if (sim.random.next() < 0.3) throw new Error("not in the mood");
    }
    override async hang(): Promise<void> {
      await new Promise(() => undefined);
    }
  };
}
