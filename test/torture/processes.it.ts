// Real processes, real servers, real signals, at default settings (lease of 4 s).
import { CallError } from "tenure";
import { expect, test } from "vitest";
import { Ledger } from "../support/ledger.ts";
import { type SiloFleet, startFleet } from "../support/silo-fleet.ts";
import { Load, ownerOf, stopAll } from "./load.ts";
import { nowMs } from "./one-clock.ts";

const NAMES = ["one", "two", "three"];

test(
  "after SIGKILL of a silo, and a drain by SIGTERM, nothing acknowledged is lost and nothing is there twice (I2, I9, I10)",
  { timeout: 90_000 },
  async () => {
    await using fleet = await startFleet(NAMES);
    const load = new Load(fleet);
    const running = load.run();
    await load.appended(500);

    const victim = await ownerOf(fleet, load.ids[0]!);
    const orphans = await load.idsOwnedBy(victim.name);
    const killedMs = nowMs();
    await victim.end("SIGKILL");
    await load.appendedToEach(orphans);
    const killGapMs = load.longestWaitMs(orphans, killedMs);

    await fleet.start("four");
    const leaving = await ownerOf(fleet, load.ids[0]!);
    const handed = await load.idsOwnedBy(leaving.name);
    const drainedMs = nowMs();
    await leaving.end("SIGTERM");
    await load.appendedToEach(handed);
    const drainGapMs = load.longestWaitMs(handed, drainedMs);

    load.stop();
    await running;
    const unknown = load.records.filter((record) => record.outcome === "unknown").length;
    console.log(
      `torture: interruption seen by a caller: SIGKILL ${Math.round(killGapMs)} ms (${orphans.length} actors, lease 4,000 ms), drain ${Math.round(drainGapMs)} ms (${handed.length} actors); ${load.records.length} appends, ${unknown} unknown`,
    );
    expect(await load.violations()).toEqual([]);
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

async function stored(fleet: SiloFleet, id: string): Promise<readonly string[]> {
  await using auditor = await fleet.auditor();
  return (await auditor.client.get(Ledger, id).read()).items;
}
