// One round of torture: a fleet, clients, a drawn schedule of faults; then everything heals, everybody must be answered,
// and what was recorded is checked against what is stored.
import { seededRandom } from "@tenure/core/internal";
import { checkHistory, type Violation } from "./checkers.ts";
import { Fleet, type Note } from "./fleet.ts";
import type { ActorName, CallRecord } from "./history.ts";
import { Nemesis } from "./nemesis.ts";
import { lasting, nowMs, within } from "./one-clock.ts";
import { drawSchedule, type FaultKind, PROXIED_KINDS, type Strike } from "./schedule.ts";
import { type Site, startNamespaceSite, startProxiedSite } from "./sites.ts";

export interface RoundOptions {
  readonly seed: number;
  readonly strikes: number;
  readonly ttlMs: number;
  /** In network namespaces, with real partitions. @default behind fault proxies */
  readonly namespaces?: boolean;
  /** @default all that the place allows */
  readonly kinds?: readonly FaultKind[];
}

export interface RoundResult {
  readonly seed: number;
  readonly ttlMs: number;
  readonly schedule: readonly Strike[];
  readonly violations: readonly Violation[];
  readonly records: readonly CallRecord[];
  readonly notes: readonly Note[];
  readonly originMs: number;
  readonly undecided: number;
  /** From the end of the last fault until every actor had answered. */
  readonly recoveryMs: number;
  readonly tookMs: number;
}

const SILOS = ["one", "two", "three"];
const CLIENTS = ["ann", "ben"];
const WORKERS = 7;
const WARM_UP_MS = 500;
const PARTITION_KINDS: readonly FaultKind[] = [
  "partition",
  "partition",
  "partition",
  "kill",
  "stop",
  "server-frozen",
];
/** On top of the protocol's own bound: processes start and servers are found again on a machine with other things to do. */
const SLACK_MS = 15_000;
const STOP_WITHIN_MS = 40_000;

export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const { seed, strikes, ttlMs, namespaces = false } = options;
  const beganMs = nowMs();
  const random = seededRandom(seed);
  const kinds = options.kinds ?? (namespaces ? PARTITION_KINDS : PROXIED_KINDS);
  const schedule = drawSchedule(random, strikes, { silos: SILOS, clients: CLIENTS, ttlMs, kinds });
  const members = [...SILOS, ...CLIENTS];
  await using site = await (namespaces ? startNamespaceSite(members) : startProxiedSite(members));
  await using fleet = await Fleet.start({ site, silos: SILOS, clients: CLIENTS, ttlMs });
  const originMs = nowMs();
  fleet.tellClients((index) => ({
    start: { seed: seed * 10 + index, originMs, workers: WORKERS },
  }));
  await lasting(WARM_UP_MS);
  const nemesis = new Nemesis(fleet, site);
  await nemesis.run(schedule);

  const violations: Violation[] = [];
  const report = (rule: string, detail: string): void => {
    violations.push({ actor: undefined, rule, detail, calledMs: nowMs() });
  };
  const recoveryMs = await recovery(fleet, ttlMs, report);
  await fleet.clientsStopped();
  await stopSilos(fleet, report);
  const { violations: found, undecided } = await audit(fleet, site, nemesis);
  for (const finding of fleet.findings) report("ended", finding);
  return {
    seed,
    ttlMs,
    schedule,
    violations: [...violations, ...found],
    records: fleet.records,
    notes: fleet.notes.toSorted((a, b) => a.atMs - b.atMs),
    originMs,
    undecided,
    recoveryMs,
    tookMs: nowMs() - beganMs,
  };
}

function actorsOf(fleet: Fleet): readonly ActorName[] {
  return [...new Set(fleet.records.map(({ actor }) => actor))];
}

/** I13: once faults stop, every actor answers, by itself. */
async function recovery(
  fleet: Fleet,
  ttlMs: number,
  report: (rule: string, detail: string) => void,
): Promise<number> {
  const healedMs = nowMs();
  fleet.note("--- healed");
  const actors = actorsOf(fleet);
  fleet.tellClients(() => ({ probe: actors }));
  const boundMs = ttlMs * (1 + 2 * 0.001) + ttlMs / 3 + SLACK_MS;
  const open: string[] = [];
  for (const [name, client] of fleet.clients) {
    const answered = new Set<ActorName>();
    const all = client.reportOrEnd((report) => {
      if ("probed" in report) answered.add(report.probed);
      return answered.size === actors.length;
    });
    await within(healedMs + boundMs - nowMs(), all);
    open.push(...actors.filter((each) => !answered.has(each)).map((each) => `${each} (${name})`));
  }
  const tookMs = nowMs() - healedMs;
  fleet.note(`--- recovered after ${tookMs.toFixed(0)} ms`);
  if (open.length > 0)
    report("I13", `not answered ${boundMs.toFixed(0)} ms after healing: ${open.join(", ")}`);
  return tookMs;
}

/** Every silo hands over and leaves in good order. */
async function stopSilos(
  fleet: Fleet,
  report: (rule: string, detail: string) => void,
): Promise<void> {
  await Promise.all(
    [...fleet.silos.values()].map(async (silo) => {
      // One that was started late leaves in good order, too, once it serves.
      await within(STOP_WITHIN_MS, silo.up());
      await silo.down("SIGTERM", STOP_WITHIN_MS);
      if (silo.ending !== "0")
        report("stop", `${silo.name} ended with ${silo.ending} after SIGTERM`);
    }),
  );
}

async function audit(fleet: Fleet, site: Site, nemesis: Nemesis) {
  const stored = await fleet.audit(actorsOf(fleet));
  const { records } = fleet;
  return checkHistory({ records, stored, storedMs: nowMs(), losses: nemesis.losses });
}
