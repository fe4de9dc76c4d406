// Replays flights as calls to their airports, several at a time, and remembers how long each caller had to wait.
//   R1. Every call has an idempotency key: one that ended 'unknown' is repeated with it, and counts once.
import { type ActorClient, CallError } from "tenure";
import { Airport } from "./airport.ts";
import type { Flight } from "./expected.ts";

interface Leg {
  readonly flight: Flight;
  readonly airport: string;
  readonly method: "departed" | "landed";
  readonly key: string;
}

/** One call as its caller saw it, repetitions included. */
export interface Served {
  readonly airport: string;
  readonly calledMs: number;
  readonly doneMs: number;
}

const OUTSTANDING = 128;
const CALL_TIMEOUT_MS = 2_000;

export class Replay {
  /** Calls that ended 'unknown' and were repeated with their key. */
  unknown = 0;
  /** Calls that ended 'not-executed' and were made again. */
  notExecuted = 0;
  done = 0;
  readonly served: Served[] = [];
  readonly #client: ActorClient;
  readonly #legs: readonly Leg[];
  readonly #inFlight = new Map<string, number>();

  constructor(client: ActorClient, flights: readonly Flight[], doubled?: Flight) {
    this.#client = client;
    this.#legs = flights.flatMap((flight) => legsOf(flight, ""));
    if (doubled) this.#legs = [...this.#legs, ...legsOf(doubled, " again")];
  }

  get total(): number {
    return this.#legs.length;
  }

  /** Calls that are under way to these airports at this moment. */
  inFlightTo(airports: ReadonlySet<string>): number {
    let calls = 0;
    for (const [airport, count] of this.#inFlight) if (airports.has(airport)) calls += count;
    return calls;
  }

  /** Makes the calls `from` to `to`; `each` runs after every one. */
  async run(from: number, to: number, each: () => void): Promise<void> {
    let next = from;
    const worker = async (): Promise<void> => {
      while (next < to) {
        const leg = this.#legs[next++]!;
        await this.#serve(leg);
        this.done += 1;
        each();
      }
    };
    await Promise.all(Array.from({ length: OUTSTANDING }, worker));
  }

  async #serve(leg: Leg): Promise<void> {
    const airport = this.#client
      .get(Airport, leg.airport)
      .$with({ idempotencyKey: leg.key, timeoutMs: CALL_TIMEOUT_MS });
    const calledMs = performance.now();
    this.#inFlight.set(leg.airport, (this.#inFlight.get(leg.airport) ?? 0) + 1);
    for (;;)
      try {
        await airport[leg.method](leg.flight);
        break;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        if (!MENDED_BY_TIME.has(error.code)) throw error;
        if (error.outcome === "unknown") this.unknown += 1;
        else this.notExecuted += 1;
      }
    this.#inFlight.set(leg.airport, this.#inFlight.get(leg.airport)! - 1);
    this.served.push({ airport: leg.airport, calledMs, doneMs: performance.now() });
  }
}

const MENDED_BY_TIME: ReadonlySet<string> = new Set(["CALL_TIMEOUT", "SILO_UNAVAILABLE", "FENCED"]);

function legsOf(flight: Flight, suffix: string): readonly Leg[] {
  return [
    { flight, airport: flight.origin, method: "departed", key: `${flight.row} departed${suffix}` },
    { flight, airport: flight.destination, method: "landed", key: `${flight.row} landed${suffix}` },
  ];
}

/** The longest that a caller waited for one of these airports, of the calls that were open at or made after `sinceMs`. */
export function longestWaitMs(
  served: readonly Served[],
  airports: ReadonlySet<string>,
  sinceMs: number,
): number {
  let longest = 0;
  for (const call of served)
    if (airports.has(call.airport) && call.doneMs >= sinceMs)
      longest = Math.max(longest, call.doneMs - Math.max(call.calledMs, sinceMs));
  return longest;
}
