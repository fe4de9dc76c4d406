// What the flights example must have stored when it is done, computed from the file alone.
//   E1. Imports nothing of Tenure, and nothing that does: an error of the framework cannot hide in both.
//   E2. Every figure is a count, a sum or a maximum: the order in which an airport saw its flights does not matter,
//       however the calls were spread, interrupted and repeated.
//   E3. One flight more or less changes the figures; so does one flight counted twice while another is lost (`rowSum`).
import { readFileSync } from "node:fs";

/** One line of data/flights.csv. data/README.md says what the columns mean. */
export interface Flight {
  /** Which line it is, from 1, without the header: the flight's identity. */
  readonly row: number;
  /** Of the departure, as text that sorts by time: `2001/01/13 14:56`. */
  readonly date: string;
  readonly origin: string;
  readonly destination: string;
  /** Negative when the flight was early. */
  readonly delayMinutes: number;
  readonly distanceMiles: number;
}

/** Figures of the flights that went one way at one airport. */
export interface FlightTotals {
  readonly flights: number;
  /** Flights more than 15 minutes late. */
  readonly delayed: number;
  /** The sum of all delays; early flights count against late ones. */
  readonly delayMinutes: number;
  /** 0 when none was late. */
  readonly longestDelayMinutes: number;
  readonly distanceMiles: number;
  /** The sum of the flights' rows. */
  readonly rowSum: number;
}

/** What an airport knows of its flights. A flight's delay counts at both its ends. */
export interface AirportStats {
  readonly departures: FlightTotals;
  readonly arrivals: FlightTotals;
}

/** All flights of data/flights.csv, by date. @throws Error for a line that is not a flight. */
export function readFlights(
  file: string | URL = new URL("data/flights.csv", import.meta.url),
): readonly Flight[] {
  const [header, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  if (header !== HEADER) throw new Error(`${String(file)} must begin with the line ${HEADER}`);
  return lines.map((line, index) => {
    const match = LINE.exec(line);
    if (!match) throw new Error(`${String(file)}: line ${index + 2} is not a flight: ${line}`);
    const [, date = "", origin = "", destination = "", delay, distance] = match;
    return {
      row: index + 1,
      date,
      origin,
      destination,
      delayMinutes: Number(delay),
      distanceMiles: Number(distance),
    };
  });
}

/** The figures of every airport that these flights touch, by its code, in alphabetical order. */
export function expectedStats(flights: Iterable<Flight>): ReadonlyMap<string, AirportStats> {
  const stats = new Map<string, AirportStats>();
  for (const flight of flights) {
    const origin = stats.get(flight.origin) ?? NOTHING;
    stats.set(flight.origin, { ...origin, departures: plus(origin.departures, flight) });
    // Read only now: a sightseeing flight may end where it began.
    const destination = stats.get(flight.destination) ?? NOTHING;
    stats.set(flight.destination, { ...destination, arrivals: plus(destination.arrivals, flight) });
  }
  return new Map([...stats].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const HEADER = "date,origin,destination,delay,distance";
const LINE = /^(\d{4}\/\d\d\/\d\d \d\d:\d\d),([A-Z]{3}),([A-Z]{3}),(-?\d+),(\d+)$/;
const DELAYED_AFTER_MINUTES = 15;

const NO_FLIGHTS: FlightTotals = {
  flights: 0,
  delayed: 0,
  delayMinutes: 0,
  longestDelayMinutes: 0,
  distanceMiles: 0,
  rowSum: 0,
};
const NOTHING: AirportStats = { departures: NO_FLIGHTS, arrivals: NO_FLIGHTS };

function plus(totals: FlightTotals, flight: Flight): FlightTotals {
  return {
    flights: totals.flights + 1,
    delayed: totals.delayed + (flight.delayMinutes > DELAYED_AFTER_MINUTES ? 1 : 0),
    delayMinutes: totals.delayMinutes + flight.delayMinutes,
    longestDelayMinutes: Math.max(totals.longestDelayMinutes, flight.delayMinutes),
    distanceMiles: totals.distanceMiles + flight.distanceMiles,
    rowSum: totals.rowSum + flight.row,
  };
}
