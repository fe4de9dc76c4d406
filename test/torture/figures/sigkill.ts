// How long the actors of a silo go without service after its process was killed.
import { startFleet } from "../../support/silo-fleet.ts";
import { Load, ownerOf, violationsOf } from "../load.ts";
import { lasting, nowMs } from "../one-clock.ts";
import { type Figure, ms, percentile, SETTINGS } from "./figure.ts";

const ROUND_MS = 4_000 / 3;

export async function timeWithoutService(runs: number): Promise<Figure> {
  await using fleet = await startFleet(["one", "two", "three"]);
  const loads: Load[] = [];
  const worst: number[] = [];
  const all: number[] = [];
  let unknown = 0;
  for (let run = 0; run < runs; run++) {
    const load = new Load(fleet, { prefix: `run ${run} ledger` });
    loads.push(load);
    const running = load.run();
    await load.appendedToEach();
    // A kill may come at any time between two renewals.
    await lasting(Math.random() * ROUND_MS);
    const victim = await ownerOf(fleet, load.ids[0]!);
    const orphans = await load.idsOwnedBy(victim.name);
    const killedMs = nowMs();
    await victim.end("SIGKILL");
    await load.appendedToEach(orphans);
    const waits = load.waitsMs(orphans, killedMs);
    worst.push(Math.max(...waits));
    all.push(...waits);
    await fleet.start(`spare-${run}`);
    load.stop();
    await running;
    unknown += load.records.filter(({ outcome }) => outcome === "unknown").length;
  }
  const violations = await violationsOf(fleet, loads);
  return {
    line: `time without service after SIGKILL: p50 ${ms(percentile(worst, 50))}, p99 ${ms(percentile(worst, 99))} of the worst actor in each of ${runs} runs (all ${all.length} actors: p50 ${ms(percentile(all, 50))}, p99 ${ms(percentile(all, 99))}; target p99 < 6,000 ms); ${unknown} calls unknown, ${violations.length} violations (${SETTINGS})`,
    holds: violations.length === 0,
  };
}
