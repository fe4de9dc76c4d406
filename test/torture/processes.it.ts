// Real processes, real servers, real signals, at default settings (lease of 4 s).
import { CallError } from "tenure";
import { expect, test } from "vitest";
import { type AppendRecord, checkAppends } from "../support/append-check.ts";
import { type Appended, hashOf, Ledger } from "../support/ledger.ts";
import { type SiloFleet, type SiloProcess, startFleet } from "../support/silo-fleet.ts";

const NAMES = ["one", "two", "three"];

test(
  "after SIGKILL of a silo, and a drain by SIGTERM, nothing acknowledged is lost and nothing is there twice (I2, I9, I10)",
  { timeout: 90_000 },
  async () => {
    await using fleet = await startFleet(NAMES);
    const load = new Load(fleet, 24);
    const running = load.run(16);
    await load.appended(500);

    const victim = await ownerOf(fleet, load.ids[0]!);
    const orphans = await load.idsOwnedBy(victim.name);
    const killedMs = performance.now();
    await victim.end("SIGKILL");
    await load.appendedToEach(orphans);
    const killGapMs = load.longestWaitMs(orphans, killedMs);

    await fleet.start("four");
    const leaving = await ownerOf(fleet, load.ids[0]!);
    const handed = await load.idsOwnedBy(leaving.name);
    const drainedMs = performance.now();
    await leaving.end("SIGTERM");
    await load.appendedToEach(handed);
    const drainGapMs = load.longestWaitMs(handed, drainedMs);

    load.stop();
    await running;
    const unknown = load.records.filter((record) => record.outcome === "unknown").length;
    console.log(
      `torture: interruption seen by a caller: SIGKILL ${Math.round(killGapMs)} ms (${orphans.length} actors, lease 4,000 ms), drain ${Math.round(drainGapMs)} ms (${handed.length} actors); ${load.records.length} appends, ${unknown} unknown`,
    );
    expect(await violationsIn(fleet, load)).toEqual([]);
  },
);

test(
  "after SIGSTOP past the lease and SIGCONT no stale write is accepted, the new owner's value stands, and the stopped call ends 'unknown' (I1, I5)",
  { timeout: 90_000 },
  async () => {
    await using fleet = await startFleet(NAMES);
    const ledger = fleet.client.get(Ledger, "stopped");
    await ledger.append("before");
    const owner = await ownerOf(fleet, "stopped");
    const { generation } = await ledger.whereabouts();

    const stoppedCall = ledger.appendSlowly("stale", 300).catch((error: unknown) => error);
    await owner.report((report) => report.begun === "stale");
    owner.signal("SIGSTOP");
    const error = await stoppedCall;
    expect(error).toBeInstanceOf(CallError);
    expect((error as CallError).outcome).toBe("unknown");

    expect((await ledger.append("after")).index).toBe(1);
    const now = await ledger.whereabouts();
    expect(now.silo).not.toBe(owner.name);
    expect(now.generation).toBeGreaterThan(generation);

    owner.signal("SIGCONT");
    const lost = await owner.event("silo.lost");
    expect(lost.reason).toContain("dead");
    // It serves again, as a new incarnation that owns nothing of what the old one had.
    await owner.report(
      (report) =>
        report.event?.type === "silo.serving" && report.event.incarnation !== lost.incarnation,
    );
    expect((await ledger.append("last")).index).toBe(2);
    await stopAll(fleet);
    expect(await stored(fleet, "stopped")).toEqual(["before", "after", "last"]);
  },
);

test(
  "a save that is held between silo and store across the takeover is refused by the store: FencedError (I1, R1)",
  { timeout: 90_000 },
  async () => {
    await using fleet = await startFleet(NAMES);
    const ledger = fleet.client.get(Ledger, "held");
    await ledger.append("before");
    const owner = await ownerOf(fleet, "held");

    owner.tell({ hold: true });
    const heldCall = ledger.append("stale").catch((error: unknown) => error);
    await owner.report((report) => report.held === "save");
    const error = await heldCall;
    expect((error as CallError).outcome).toBe("unknown");
    expect((await ledger.append("after")).index).toBe(1);

    // Its renewals are still held: it does not know that it is dead. The save now reaches the store, and is refused there.
    owner.tell({ release: "saves" });
    const fenced = await owner.event("activation.fenced");
    expect(fenced).toMatchObject({
      error: "FencedError",
      operation: "save",
      actor: { type: "ledger", id: "held" },
    });
    expect(fenced.storedGeneration).toBeGreaterThan(fenced.generation);
    owner.tell({ hold: false });
    await stopAll(fleet);
    expect(await stored(fleet, "held")).toEqual(["before", "after"]);
  },
);

// ---- support -------------------------------------------------------------------------------------------------------

async function ownerOf(fleet: SiloFleet, id: string): Promise<SiloProcess> {
  const { silo } = await fleet.client.get(Ledger, id).whereabouts();
  return fleet.silos.get(silo)!;
}

async function stopAll(fleet: SiloFleet): Promise<void> {
  await Promise.all([...fleet.silos.values()].map((silo) => silo.end("SIGTERM")));
}

async function stored(fleet: SiloFleet, id: string): Promise<readonly string[]> {
  await using auditor = await fleet.auditor();
  return (await auditor.client.get(Ledger, id).read()).items;
}

/** Appends to many ledgers without keys, and records what each caller was told. */
class Load {
  readonly ids: readonly string[];
  readonly records: (AppendRecord & { readonly id: string })[] = [];
  readonly #fleet: SiloFleet;
  readonly #waiting = new Set<() => void>();
  #running = true;
  #next = 0;

  constructor(fleet: SiloFleet, actors: number) {
    this.#fleet = fleet;
    this.ids = Array.from({ length: actors }, (_, i) => `ledger ${i}`);
  }

  async run(workers: number): Promise<void> {
    await Promise.all(Array.from({ length: workers }, () => this.#work()));
  }

  stop(): void {
    this.#running = false;
  }

  async appended(count: number): Promise<void> {
    while (this.records.length < count) await this.#change();
  }

  /** Waits until each of these has taken an append that was called from now on. */
  async appendedToEach(ids: readonly string[]): Promise<void> {
    const sinceMs = performance.now();
    const served = (id: string): boolean =>
      this.records.some((r) => r.id === id && r.outcome === "ok" && r.calledMs >= sinceMs);
    while (!ids.every(served)) await this.#change();
  }

  async idsOwnedBy(silo: string): Promise<readonly string[]> {
    const owners = await Promise.all(
      this.ids.map(async (id) => [id, (await ownerOf(this.#fleet, id)).name] as const),
    );
    return owners.filter(([, owner]) => owner === silo).map(([id]) => id);
  }

  /** From the kill or drain until the first append that was called after it had succeeded: the longest of all actors. */
  longestWaitMs(ids: readonly string[], sinceMs: number): number {
    return Math.max(
      ...ids.map((id) => {
        const first = this.records
          .filter((r) => r.id === id && r.outcome === "ok" && r.calledMs >= sinceMs)
          .toSorted((a, b) => a.returnedMs - b.returnedMs)[0];
        return first ? first.returnedMs - sinceMs : Infinity;
      }),
    );
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  async #work(): Promise<void> {
    while (this.#running) {
      const n = this.#next++;
      const id = this.ids[n % this.ids.length]!;
      const item = `item ${n}`;
      const calledMs = performance.now();
      const record = await this.#fleet.client
        .get(Ledger, id)
        .append(item)
        .then(
          ({ index, hash }: Appended) => ({ outcome: "ok" as const, index, hash }),
          (error: unknown) => {
            if (!(error instanceof CallError)) throw error;
            return { outcome: error.outcome };
          },
        );
      this.records.push({ id, item, calledMs, returnedMs: performance.now(), ...record });
      for (const wake of this.#waiting) wake();
    }
  }
}

async function violationsIn(fleet: SiloFleet, load: Load): Promise<readonly string[]> {
  await stopAll(fleet);
  await using auditor = await fleet.auditor();
  const found: string[] = [];
  for (const id of load.ids) {
    const { items } = await auditor.client.get(Ledger, id).read();
    const history = load.records.filter((record) => record.id === id);
    const violations = checkAppends(history, items, (length) => hashOf(items.slice(0, length)));
    found.push(...violations.map(({ rule, detail }) => `${id}: ${rule}: ${detail}`));
    if (items.length === 0) found.push(`${id}: nothing is stored`);
  }
  return found;
}
