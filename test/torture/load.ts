// Load on a fleet whose client is this process: one worker per ledger, which appends and reads, one call after the other.
// A ledger that gets no answer keeps nobody else from theirs.
import { CallError } from "tenure";
import { Ledger } from "../support/ledger.ts";
import type { SiloFleet, SiloProcess } from "../support/silo-fleet.ts";
import { checkHistory, type Violation } from "./checkers.ts";
import type { ActorName, CallRecord, Op } from "./history.ts";
import { lasting, nowMs } from "./one-clock.ts";

export interface LoadOptions {
  /** @default 24 */
  readonly actors?: number;
  /** Between two calls of a worker, at most. @default 40 */
  readonly thinkMs?: number;
  /** @default "ledger" */
  readonly prefix?: string;
  /** A worker begins a new ledger after so many items. @default never */
  readonly itemsPerLedger?: number;
}

const READ_SHARE = 0.25;

export class Load {
  /** The ledgers that are begun with. */
  readonly ids: readonly string[];
  readonly records: CallRecord[] = [];
  readonly #fleet: SiloFleet;
  readonly #thinkMs: number;
  readonly #itemsPerLedger: number;
  readonly #waiting = new Set<() => void>();
  #on = true;
  #next = 0;

  constructor(fleet: SiloFleet, options: LoadOptions = {}) {
    const { actors = 24, thinkMs = 40, prefix = "ledger", itemsPerLedger = Infinity } = options;
    this.#fleet = fleet;
    this.#thinkMs = thinkMs;
    this.#itemsPerLedger = itemsPerLedger;
    this.ids = Array.from({ length: actors }, (_, i) => `${prefix} ${i}`);
  }

  async run(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.#work(id)));
  }

  stop(): void {
    this.#on = false;
  }

  async appended(count: number): Promise<void> {
    while (this.records.filter(isAppended).length < count) await this.#change();
  }

  /** Waits until each of these has taken an append that was called from now on. */
  async appendedToEach(ids: readonly string[] = this.ids): Promise<void> {
    const sinceMs = nowMs();
    const open = new Set(ids);
    for (let seen = this.records.length; open.size > 0; await this.#change())
      for (; seen < this.records.length; seen++) {
        const record = this.records[seen]!;
        if (isAppended(record) && record.calledMs >= sinceMs) open.delete(idIn(record));
      }
  }

  async idsOwnedBy(silo: string): Promise<readonly string[]> {
    const owners = await Promise.all(
      this.ids.map(async (id) => [id, (await ownerOf(this.#fleet, id)).name] as const),
    );
    return owners.filter(([, owner]) => owner === silo).map(([id]) => id);
  }

  /** For each: from `sinceMs` until the first append that was called after it had succeeded. */
  waitsMs(ids: readonly string[], sinceMs: number): readonly number[] {
    return ids.map((id) => {
      const returns = this.records
        .filter((r) => idIn(r) === id && isAppended(r) && r.calledMs >= sinceMs)
        .map(({ returnedMs }) => returnedMs);
      return Math.min(...returns) - sinceMs;
    });
  }

  longestWaitMs(ids: readonly string[], sinceMs: number): number {
    return Math.max(...this.waitsMs(ids, sinceMs));
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  async #work(first: string): Promise<void> {
    let [id, items] = [first, 0];
    while (this.#on) {
      const op: Op =
        Math.random() < READ_SHARE
          ? { kind: "peek" }
          : { kind: "append", item: `item ${this.#next++}` };
      if (op.kind === "append" && ++items % this.#itemsPerLedger === 0) id = `${first}, ${items}`;
      this.records.push(await this.#call(id, op));
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
      await lasting(Math.random() * this.#thinkMs);
    }
  }

  async #call(id: string, op: Op): Promise<CallRecord> {
    const ledger = this.#fleet.client.get(Ledger, id);
    const calledMs = nowMs();
    const answer = await (op.kind === "append" ? ledger.append(op.item) : ledger.peek()).then(
      (value: unknown) => ({ outcome: "ok" as const, value }),
      (error: unknown) => ({
        outcome: error instanceof CallError ? error.outcome : ("threw" as const),
        error: String(error),
      }),
    );
    const actor: ActorName = `ledger/${id}`;
    return { client: "load", actor, op, calledMs, returnedMs: nowMs(), ...answer };
  }

  /** Stops all silos, reads what is stored, and checks what was recorded against it. */
  async violations(): Promise<readonly Violation[]> {
    return await violationsOf(this.#fleet, [this]);
  }
}

/** The same for several loads, one after the other, of one fleet. */
export async function violationsOf(
  fleet: SiloFleet,
  loads: readonly Load[],
): Promise<readonly Violation[]> {
  const records = loads.flatMap((load) => load.records);
  const stored = await storedAtLast(fleet, records);
  return checkHistory({ records, stored, storedMs: nowMs(), losses: [] }).violations;
}

/** Stops all silos, and reads what is stored of every ledger that was called. */
export async function storedAtLast(
  fleet: SiloFleet,
  records: readonly CallRecord[],
): Promise<ReadonlyMap<ActorName, readonly string[]>> {
  await stopAll(fleet);
  await using auditor = await fleet.auditor();
  const stored = new Map<ActorName, readonly string[]>();
  for (const actor of new Set(records.map((record) => record.actor))) {
    const id = actor.slice("ledger/".length);
    stored.set(actor, (await auditor.client.get(Ledger, id).read()).items);
  }
  return stored;
}

export async function ownerOf(fleet: SiloFleet, id: string): Promise<SiloProcess> {
  const { silo } = await fleet.client.get(Ledger, id).whereabouts();
  return fleet.silos.get(silo)!;
}

export async function stopAll(fleet: SiloFleet): Promise<void> {
  await Promise.all([...fleet.silos.values()].map((silo) => silo.end("SIGTERM")));
}

export function isAppended({ op, outcome }: CallRecord): boolean {
  return op.kind === "append" && outcome === "ok";
}

function idIn({ actor }: CallRecord): string {
  return actor.slice("ledger/".length);
}
