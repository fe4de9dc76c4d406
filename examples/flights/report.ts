// What the example prints, and its verdict.
import Table from "cli-table3";
import pc from "picocolors";
import type { Whereabouts } from "./airport.ts";
import type { AirportStats } from "./expected.ts";

export interface AirportRow {
  readonly code: string;
  readonly stats: AirportStats;
  readonly where: Whereabouts;
}

export function printBusiest(rows: readonly AirportRow[], count: number): void {
  const table = new Table({
    head: ["airport", "departures", "arrivals", "delayed", "mean delay", "silo", "generation"],
    colAligns: ["left", "right", "right", "right", "right", "left", "right"],
    style: pc.isColorSupported
      ? { head: ["bold"], compact: true }
      : { head: [], border: [], compact: true },
  });
  const flights = ({ stats }: AirportRow): number =>
    stats.departures.flights + stats.arrivals.flights;
  for (const row of rows.toSorted((a, b) => flights(b) - flights(a)).slice(0, count)) {
    const { departures, arrivals } = row.stats;
    const all = departures.flights + arrivals.flights;
    const delayed = departures.delayed + arrivals.delayed;
    const delay = departures.delayMinutes + arrivals.delayMinutes;
    table.push([
      row.code,
      departures.flights,
      arrivals.flights,
      `${((100 * delayed) / all).toFixed(1)} %`,
      `${(delay / all).toFixed(1)} min`,
      row.where.silo,
      row.where.generation,
    ]);
  }
  console.log(table.toString());
}

/** Every figure that differs from what the file says, in words. */
export function differences(
  stored: ReadonlyMap<string, AirportStats>,
  expected: ReadonlyMap<string, AirportStats>,
): readonly string[] {
  const found: string[] = [];
  for (const [code, want] of expected) {
    const have = stored.get(code);
    if (!have) {
      found.push(`${code}: nothing stored`);
      continue;
    }
    for (const way of ["departures", "arrivals"] as const)
      for (const figure of Object.keys(want[way]) as (keyof AirportStats["departures"])[])
        if (have[way][figure] !== want[way][figure])
          found.push(
            `${code}: ${way}.${figure} is ${have[way][figure]}, must be ${want[way][figure]}`,
          );
  }
  return found;
}

export function say(line: string): void {
  console.log(line);
}

export function verdict(problems: readonly string[]): void {
  if (problems.length === 0) {
    console.log(pc.green(pc.bold("✓ reconciled exactly: nothing lost, nothing doubled")));
    return;
  }
  console.log(pc.red(pc.bold(`✗ ${problems.length} problems`)));
  for (const problem of problems.slice(0, 20)) console.log(pc.red(`  ${problem}`));
}
