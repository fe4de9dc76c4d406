// An airport: one actor per airport code, which keeps its figures as durable state.
import { Actor, defineActor } from "tenure";
import type { AirportStats, Flight, FlightTotals } from "./expected.ts";

/** Where an airport lives at the moment. */
export interface Whereabouts {
  readonly silo: string;
  readonly generation: number;
}

export class Airport extends Actor<{ departures: Totals; arrivals: Totals }> {
  static readonly actor = defineActor<Airport>({
    type: "airport",
    state: () => ({ departures: noFlights(), arrivals: noFlights() }),
    methods: { stats: "read", whereabouts: "read" },
  });

  // Each of these is a write turn: it runs alone, and its reply leaves when the new figures are saved.
  async departed(flight: Flight): Promise<void> {
    count(this.state.departures, flight);
  }

  async landed(flight: Flight): Promise<void> {
    count(this.state.arrivals, flight);
  }

  stats(): AirportStats {
    return this.state;
  }

  whereabouts(): Whereabouts {
    return { silo: this.ctx.silo, generation: this.ctx.generation };
  }
}

type Totals = { -readonly [K in keyof FlightTotals]: number };

function noFlights(): Totals {
  return {
    flights: 0,
    delayed: 0,
    delayMinutes: 0,
    longestDelayMinutes: 0,
    distanceMiles: 0,
    rowSum: 0,
  };
}

function count(totals: Totals, flight: Flight): void {
  totals.flights += 1;
  if (flight.delayMinutes > 15) totals.delayed += 1;
  totals.delayMinutes += flight.delayMinutes;
  totals.longestDelayMinutes = Math.max(totals.longestDelayMinutes, flight.delayMinutes);
  totals.distanceMiles += flight.distanceMiles;
  totals.rowSum += flight.row;
}
