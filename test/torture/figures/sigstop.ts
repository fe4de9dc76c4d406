// Whether a silo that was stopped for longer than its lease does any harm when it goes on.
// In every second run its saves are also held between it and the store, and arrive there after the takeover: so that
// stale saves really reach the store.
import { type SiloProcess, startFleet } from "../../support/silo-fleet.ts";
import { Load, ownerOf, violationsOf } from "../load.ts";
import { nowMs, within } from "../one-clock.ts";
import { type Figure, ms, SETTINGS } from "./figure.ts";

/** A store that accepts them says nothing. */
const REFUSED_WITHIN_MS = 4_000;
const READ_RULES: ReadonlySet<string> = new Set(["stale", "backwards", "future"]);

export async function stoppedBeyondTheLease(runs: number): Promise<Figure> {
  await using fleet = await startFleet(["one", "two", "three"]);
  const loads: Load[] = [];
  let stoppedMs = 0;
  for (let run = 0; run < runs; run++) {
    const load = new Load(fleet, { prefix: `run ${run} ledger` });
    loads.push(load);
    const running = load.run();
    await load.appendedToEach();
    const victim = await ownerOf(fleet, load.ids[0]!);
    const owned = await load.idsOwnedBy(victim.name);
    const holds = run % 2 === 1;
    if (holds) {
      const held = victim.nextReport((report) => report.held === "save");
      victim.tell({ hold: true });
      await held;
    }
    const serving = victim.nextReport((report) => report.event?.type === "silo.serving");
    victim.signal("SIGSTOP");
    const beganMs = nowMs();
    await load.appendedToEach(owned);
    stoppedMs = Math.max(stoppedMs, nowMs() - beganMs);
    victim.signal("SIGCONT");
    if (holds) {
      // Nobody writes any more: what the store now accepts stands, and the histories show it.
      load.stop();
      await running;
      const refused = victim.nextReport((report) => report.event?.type === "activation.fenced");
      victim.tell({ release: "saves" });
      await within(REFUSED_WITHIN_MS, refused);
      victim.tell({ hold: false });
      await serving;
    } else {
      await serving;
      await load.appendedToEach();
      load.stop();
      await running;
    }
  }
  const refused = [...fleet.silos.values()].reduce((total, silo) => total + fencedBy(silo), 0);
  const violations = await violationsOf(fleet, loads);
  const stale = violations.filter(({ rule }) => READ_RULES.has(rule)).length;
  return {
    line: `SIGSTOP beyond the lease: stale writes accepted ${violations.length - stale} (at least ${refused} reached the store and were refused), stale replies ${stale}; ${runs} runs, stopped until all its actors were taken over, up to ${ms(stoppedMs)} (${SETTINGS})`,
    // Without a stale save at the store nothing was shown.
    holds: violations.length === 0 && (refused > 0 || runs < 2),
  };
}

function fencedBy(silo: SiloProcess): number {
  return silo.reports.filter(({ event }) => event?.type === "activation.fenced").length;
}
