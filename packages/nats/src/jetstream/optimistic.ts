// A step over records as one optimistic transaction: it runs on what has been read, is run again when it asked for more, and
// what it wrote is written by compare-and-set.
//   OT1. A step is a pure function of what it reads (ownership-rules.ts decides in it): it may be run any number of times.
//   OT2. All that a run asks for and is not there is read at once: for that run it is absent, and the run does not count.
//   OT3. What a step wrote goes out in phases, each after the one before it is acknowledged. If one record is not what the step
//        read any more, everything is read and decided again: what was written by then is found written (R8).
//   OT4. An answer without writes needs no more than that its reads were made while it was asked for.
//   OT5. Rejects with StoreUnavailableError only, undecided, in bounded time, also when others always write first.
import type { Clock, Random, Transact } from "@tenure/core/internal";
import type { RecordStream, Slot } from "./record-stream.ts";

/** Written in this order. A record of an earlier phase without its later ones means nothing to anybody. */
export const PHASES = ["first", "second", "third"] as const;
export type Phase = (typeof PHASES)[number];

interface Write {
  readonly slot: Slot;
  readonly bytes: Uint8Array;
  readonly phase: Phase;
}

/** What was read for one transaction. */
interface Loaded {
  readonly slots: Map<string, Slot>;
  readonly lists: Map<string, readonly string[]>;
}

/** Records as one run of a step sees them. */
export class View {
  readonly #loaded: Loaded;
  readonly missing: Set<string> = new Set();
  readonly missingLists: Set<string> = new Set();
  readonly writes: Map<string, Write> = new Map();
  readonly removals: Slot[] = [];

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  get isComplete(): boolean {
    return this.missing.size === 0 && this.missingLists.size === 0;
  }

  read(subject: string): Uint8Array | undefined {
    return this.#slot(subject)?.bytes;
  }

  /** The subjects that match. */
  list(filter: string): readonly string[] {
    const subjects = this.#loaded.lists.get(filter);
    if (!subjects) this.missingLists.add(filter);
    return subjects ?? [];
  }

  write(subject: string, bytes: Uint8Array, phase: Phase): void {
    const slot = this.#slot(subject);
    if (slot) this.writes.set(subject, { slot, bytes, phase });
  }

  /** After all writes, if the record is still the one that was read. */
  remove(subject: string): void {
    const slot = this.#slot(subject);
    if (slot?.bytes) this.removals.push(slot);
  }

  #slot(subject: string): Slot | undefined {
    const slot = this.#loaded.slots.get(subject);
    if (!slot) this.missing.add(subject);
    return slot;
  }
}

/** Tables over a view: what a step changed in them is written by `flush`. */
export interface ViewTables {
  flush(): void;
}

/** What is asked of the stream. */
export type Records = Pick<
  RecordStream,
  "read" | "put" | "remove" | "list" | "sequence" | "highest" | "unavailable"
>;

export interface OptimisticDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly timeoutMs: number;
}

/** Between attempts that others were faster than; grows up to this, and is shared out at random. */
const MAX_PAUSE_MS = 16;

export function optimistic<Tables extends ViewTables>(
  stream: Records,
  tablesOf: (view: View) => Tables,
  deps: OptimisticDeps,
): Transact<Tables> {
  return async (step) => {
    const untilMs = deps.clock.monotonicMs() + deps.timeoutMs;
    for (let attempt = 0; ; attempt += 1) {
      const { answer, view } = await decided(stream, tablesOf, step);
      if (view.writes.size === 0) return { sequence: await stream.sequence(), answer };
      if (await written(stream, view)) return { sequence: stream.highest, answer };
      if (deps.clock.monotonicMs() >= untilMs)
        throw stream.unavailable(`others were faster ${attempt + 1} times in a row`); // OT5
      await pause(deps, attempt);
    }
  };
}

/** The first run that found all that it asked for. */
async function decided<Tables extends ViewTables, T>(
  stream: Records,
  tablesOf: (view: View) => Tables,
  step: (tables: Tables) => T,
): Promise<{ readonly answer: T; readonly view: View }> {
  const loaded: Loaded = { slots: new Map(), lists: new Map() };
  for (;;) {
    const view = new View(loaded);
    const run = attempted(() => {
      const tables = tablesOf(view);
      const answer = step(tables);
      tables.flush();
      return answer;
    });
    if (view.isComplete) {
      if (run.ok) return { answer: run.answer, view };
      throw run.error;
    }
    const lists = [...view.missingLists].map(async (filter) => {
      loaded.lists.set(filter, await stream.list(filter));
    });
    const slots = [...view.missing].map(async (subject) => {
      loaded.slots.set(subject, await stream.read(subject));
    });
    await allOf([...lists, ...slots]);
  }
}

function attempted<T>(
  run: () => T,
): { readonly ok: true; readonly answer: T } | { readonly ok: false; readonly error: unknown } {
  try {
    return { ok: true, answer: run() };
  } catch (error) {
    return { ok: false, error };
  }
}

/** OT3. False: something was not as it had been read. */
async function written(stream: Records, view: View): Promise<boolean> {
  for (const phase of PHASES) {
    const puts = [...view.writes.values()].filter((write) => write.phase === phase);
    const answers = await allOf(puts.map(({ slot, bytes }) => stream.put(slot, bytes)));
    if (answers.includes(false)) return false;
  }
  await allOf(view.removals.map((slot) => stream.remove(slot)));
  return true;
}

/** Waits for all, also where one rejects: what is still under way would meet the next attempt. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  const settled = await Promise.allSettled(promises);
  for (const result of settled) if (result.status === "rejected") throw result.reason;
  return settled.map((result) => (result as PromiseFulfilledResult<T>).value);
}

function pause({ clock, random }: OptimisticDeps, attempt: number): Promise<void> {
  const mostMs = Math.min(MAX_PAUSE_MS, 2 ** attempt);
  return new Promise((resolve) => {
    clock.after(mostMs * random.next(), resolve, { keepAlive: true });
  });
}
