// The main job: 20,000 real flights as calls to 59 airports, each an actor that lives on exactly one silo and keeps its
// figures as durable state. Half-way a silo dies without a goodbye. At the end every figure must be exact.
//   pnpm demo            three silos in this process, state in a file
//   pnpm demo:cluster    three silo processes over NATS and Redis
//   --sabotage double|lose    breaks the run on purpose: it must be found out (exit code 1)
import { parseArgs } from "node:util";
import cliProgress from "cli-progress";
import pc from "picocolors";
import type { ActorClient } from "tenure";
import { Airport, type Whereabouts } from "./airport.ts";
import { clusterFleet } from "./cluster.ts";
import { embeddedFleet } from "./embedded.ts";
import { type AirportStats, expectedStats, readFlights } from "./expected.ts";
import type { Fleet, Sabotage } from "./fleet.ts";
import { longestWaitMs, Replay } from "./replay.ts";
import { type AirportRow, differences, printBusiest, say, verdict } from "./report.ts";

const MIN_CRASHED_AIRPORTS = 10;

const { values } = parseArgs({
  options: { cluster: { type: "boolean", default: false }, sabotage: { type: "string" } },
});
if (values.sabotage !== undefined && values.sabotage !== "double" && values.sabotage !== "lose") {
  console.error(`--sabotage takes double or lose, not ${values.sabotage}`);
  process.exit(2);
}
const sabotage = values.sabotage as Sabotage;

const startedMs = performance.now();
const fleet = await (values.cluster ? clusterFleet(sabotage) : embeddedFleet(sabotage));
let problems: readonly string[];
try {
  problems = await runStory(fleet);
} finally {
  await fleet.dispose();
}
verdict(problems);
say(pc.dim(`${((performance.now() - startedMs) / 1_000).toFixed(1)} s in all`));
process.exitCode = problems.length === 0 ? 0 : 1;

async function runStory(silos: Fleet): Promise<readonly string[]> {
  const flights = readFlights();
  const expected = expectedStats(flights);
  const codes = [...expected.keys()];
  const replay = new Replay(
    silos.client,
    flights,
    sabotage === "double" ? flights[1_234] : undefined,
  );
  say(pc.bold(`${flights.length} flights, ${codes.length} airports: ${silos.title}`));
  const bar = new cliProgress.SingleBar(
    {
      format: "{bar} {percentage} % | {value} of {total} calls | {duration} s",
      noTTYOutput: true,
      notTTYSchedule: 2_000,
      hideCursor: true,
    },
    cliProgress.Presets.shades_classic,
  );
  const each = (): void => bar.update(replay.done);
  const part = (fraction: number): number => Math.floor(replay.total * fraction);
  const found: string[] = [];

  bar.start(replay.total, 0);
  await replay.run(0, part(0.5), each);
  const before = await ownersOf(silos.client, codes);
  const victim = busiestOwner(before);
  const orphans = ownedBy(before, victim);
  const crash = crashDuring(replay, silos, victim, orphans);
  await replay.run(part(0.5), part(0.75), () => {
    each();
    crash.whenInFlight();
  });
  const after = await ownersOf(silos.client, codes);

  let drained: { silo: string; airports: ReadonlySet<string>; sinceMs: number } | undefined;
  let draining: Promise<void> | undefined;
  if (silos.draining) {
    const silo = busiestOwner(after);
    drained = { silo, airports: ownedBy(after, silo), sinceMs: performance.now() };
    draining = silos.drain(silo);
  }
  await replay.run(part(0.75), replay.total, each);
  await draining;
  bar.stop();

  const owners = await ownersOf(silos.client, codes);
  const moved = [...orphans].filter((code) => {
    const [was, is] = [before.get(code)!, owners.get(code)!];
    return is.silo !== was.silo && is.generation > was.generation;
  });
  say(
    `silo ${pc.bold(victim)} was ${silos.crashing}: it owned ${orphans.size} airports, ${crash.inFlight} calls to them were in flight, ${moved.length} were served elsewhere with a higher generation`,
  );
  say(
    `the longest that a caller waited for one of them: ${seconds(longestWaitMs(replay.served, orphans, crash.atMs))}`,
  );
  if (drained)
    say(
      `silo ${pc.bold(drained.silo)} was ${silos.draining}: the longest that a caller waited for one of its ${drained.airports.size} airports: ${seconds(longestWaitMs(replay.served, drained.airports, drained.sinceMs))}`,
    );
  say(
    `${replay.unknown} calls ended 'unknown' and were repeated with their key; ${replay.notExecuted} ended 'not-executed' and were made again`,
  );
  if (orphans.size < MIN_CRASHED_AIRPORTS)
    found.push(`the crashed silo owned ${orphans.size} airports, not ${MIN_CRASHED_AIRPORTS}`);
  if (crash.inFlight === 0) found.push("no call to the crashed silo was in flight");
  if (moved.length === 0) found.push("no airport moved to another silo with a higher generation");

  // The verdict comes from the store alone: every silo of the run ends, and fresh ones read.
  await silos.stopSilos();
  const fresh = await silos.restart();
  const rows = await Promise.all(
    codes.map(async (code): Promise<AirportRow> => {
      const stats = await fresh.client.get(Airport, code).stats();
      return { code, stats, where: owners.get(code)! };
    }),
  );
  await fresh.stop();
  printBusiest(rows, 12);
  const stored = new Map<string, AirportStats>(rows.map((row) => [row.code, row.stats]));
  return [...found, ...differences(stored, expected)];
}

/** Crashes the silo at the first moment at which a call to one of its airports is under way. */
function crashDuring(
  replay: Replay,
  silos: Fleet,
  victim: string,
  orphans: ReadonlySet<string>,
): { inFlight: number; atMs: number; whenInFlight(): void } {
  return {
    inFlight: 0,
    atMs: 0,
    whenInFlight() {
      if (this.atMs > 0) return;
      const calls = replay.inFlightTo(orphans);
      if (calls === 0) return;
      this.inFlight = calls;
      this.atMs = performance.now();
      silos.crash(victim);
    },
  };
}

async function ownersOf(
  client: ActorClient,
  codes: readonly string[],
): Promise<ReadonlyMap<string, Whereabouts>> {
  const all = await Promise.all(
    codes.map(async (code) => {
      // A read may be repeated by the runtime, so it only has to be given the time of a takeover.
      const where = await client.get(Airport, code).$with({ timeoutMs: "20s" }).whereabouts();
      return [code, where] as const;
    }),
  );
  return new Map(all);
}

function busiestOwner(owners: ReadonlyMap<string, Whereabouts>): string {
  const counts = new Map<string, number>();
  for (const { silo } of owners.values()) counts.set(silo, (counts.get(silo) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]![0];
}

function ownedBy(owners: ReadonlyMap<string, Whereabouts>, silo: string): ReadonlySet<string> {
  return new Set([...owners].filter(([, where]) => where.silo === silo).map(([code]) => code));
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
