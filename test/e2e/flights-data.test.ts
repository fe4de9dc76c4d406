// The data of examples/flights is what its README says, and expected.ts counts it right.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { expectedStats, type Flight, readFlights } from "../../examples/flights/expected.ts";

const dataDir = new URL("../../examples/flights/data/", import.meta.url);
const flights = readFlights();

describe("data/flights.csv", () => {
  test("holds 20,000 flights between 59 airports, each with departures and arrivals", () => {
    expect(flights).toHaveLength(20_000);
    expect(new Set(flights.map((flight) => flight.origin)).size).toBe(59);
    expect(new Set(flights.map((flight) => flight.destination)).size).toBe(59);
    expect(expectedStats(flights).size).toBe(59);
  });

  test("is sorted by date", () => {
    const dates = flights.map((flight) => flight.date);
    expect(dates).toEqual(dates.toSorted());
    expect([dates[0], dates.at(-1)]).toEqual(["2001/01/01 06:20", "2001/03/31 21:30"]);
  });

  test("holds no flight twice", () => {
    const texts = flights.map((flight) => JSON.stringify({ ...flight, row: 0 }));
    expect(new Set(texts).size).toBe(flights.length);
  });

  test("has the checksum, the size and the counts that its README states", () => {
    const csv = readFileSync(new URL("flights.csv", dataDir));
    const readme = readFileSync(new URL("README.md", dataDir), "utf8");
    const stated = (label: string): string | undefined =>
      new RegExp(`^\\| ${label} +\\| (.+?) +\\|$`, "m").exec(readme)?.[1];
    expect(stated("sha256")).toBe(`\`${createHash("sha256").update(csv).digest("hex")}\``);
    expect(stated("size")).toBe(`${csv.length.toLocaleString("en-US")} bytes`);
    expect(stated("flights")).toMatch(/^20,000 /);
    expect(stated("airports")).toMatch(/^59 /);
    expect(stated("dates")).toBe(`${flights[0]?.date} to ${flights.at(-1)?.date}`);
  });
});

describe("expected.ts", () => {
  test("imports nothing but Node's own modules (E1)", () => {
    const source = readFileSync(new URL("../expected.ts", dataDir), "utf8");
    const imported = [...source.matchAll(/\b(?:from|import|require)\b[\s(]*["']([^"']+)["']/g)];
    expect(imported.map((match) => match[1])).toEqual(["node:fs"]);
  });

  test("counts the first eight flights as a person does", () => {
    // BNA-MCI 0 491 · MDW-STL -8 251 · OAK-ONT -10 362 · MSY-HOU 0 303 · LAX-ABQ -15 677 · JAX-BHM 13 365 ·
    // BWI-LAS -25 2106 · MHT-BNA 24 938
    const stats = expectedStats(flights.slice(0, 8));
    expect(stats.size).toBe(15);
    expect(stats.get("BNA")).toEqual({
      departures: totals({ flights: 1, distanceMiles: 491, rowSum: 1 }),
      arrivals: totals({
        flights: 1,
        delayed: 1,
        delayMinutes: 24,
        longestDelayMinutes: 24,
        distanceMiles: 938,
        rowSum: 8,
      }),
    });
    expect(stats.get("BHM")?.arrivals).toEqual(
      totals({
        flights: 1,
        delayMinutes: 13,
        longestDelayMinutes: 13,
        distanceMiles: 365,
        rowSum: 6,
      }),
    );
    expect(stats.get("LAS")).toEqual({
      departures: totals({}),
      arrivals: totals({ flights: 1, delayMinutes: -25, distanceMiles: 2106, rowSum: 7 }),
    });
  });

  test("says delayed from the sixteenth minute on", () => {
    const at = (delayMinutes: number): number | undefined =>
      expectedStats([flight({ delayMinutes })]).get("SFO")?.departures.delayed;
    expect([at(15), at(16)]).toEqual([0, 1]);
  });

  test("counts a flight that ends where it began at both ends", () => {
    const stats = expectedStats([flight({ destination: "SFO" })]);
    expect([...stats.keys()]).toEqual(["SFO"]);
    expect([stats.get("SFO")?.departures.flights, stats.get("SFO")?.arrivals.flights]).toEqual([
      1, 1,
    ]);
  });

  test("does not depend on the order of the flights (E2)", () => {
    expect(expectedStats(flights.toReversed())).toEqual(expectedStats(flights));
  });

  test("differs when one flight is lost and its like is counted twice (E3)", () => {
    const twins = [flight({ row: 1 }), flight({ row: 2 })];
    expect(expectedStats([twins[0]!, twins[0]!])).not.toEqual(expectedStats(twins));
  });

  test("counts one airport's departures of three months as awk does", () => {
    // awk -F, '$2=="IAH"{n++; if($4>15)l++; d+=$4; if($4>m)m=$4; s+=$5; r+=NR-1} END{print n,l,d,m,s,r}' flights.csv
    expect(expectedStats(flights).get("IAH")?.departures).toEqual({
      flights: 53,
      delayed: 4,
      delayMinutes: 154,
      longestDelayMinutes: 83,
      distanceMiles: 11_501,
      rowSum: 528_463,
    });
  });

  test("adds up to the whole file", () => {
    const stats = [...expectedStats(flights).values()];
    const sum = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0);
    for (const way of ["departures", "arrivals"] as const) {
      expect(sum(stats.map((airport) => airport[way].flights))).toBe(20_000);
      expect(sum(stats.map((airport) => airport[way].rowSum))).toBe((20_000 * 20_001) / 2);
      expect(sum(stats.map((airport) => airport[way].distanceMiles))).toBe(
        sum(flights.map((flight) => flight.distanceMiles)),
      );
    }
  });
});

function flight(given: Partial<Flight>): Flight {
  return {
    row: 1,
    date: "2001/01/01 06:20",
    origin: "SFO",
    destination: "LAX",
    delayMinutes: 0,
    distanceMiles: 337,
    ...given,
  };
}

function totals(given: Partial<Record<string, number>>): Record<string, number | undefined> {
  return {
    flights: 0,
    delayed: 0,
    delayMinutes: 0,
    longestDelayMinutes: 0,
    distanceMiles: 0,
    rowSum: 0,
    ...given,
  };
}
