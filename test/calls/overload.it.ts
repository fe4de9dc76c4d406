// More calls over NATS than a silo has time for: they cost it neither its lease nor its other callers, and are refused while they
// still have time to go elsewhere.
import { nats } from "@tenure/nats";
import {
  Actor,
  connect,
  createSilo,
  defineActor,
  memory,
  OverloadedError,
  type TenureEvent,
} from "tenure";
import { expect, test } from "vitest";
import { startNatsServer } from "../../examples/support/private-servers.ts";

const CROWD = 12_000;
const ACTORS = 100;

class Toiler extends Actor {
  static readonly actor = defineActor<Toiler>({ type: "toiler" });
  #calls = 0;

  toil(): void {
    this.#calls += 1;
    const endMs = performance.now() + 1;
    while (performance.now() < endMs);
  }

  calls(): number {
    return this.#calls;
  }
}

test(
  "a crowd of calls that take processor time costs a silo neither its lease nor its other callers: what it has no time for is refused, typed, and none runs twice or unanswered",
  { timeout: 60_000 },
  async () => {
    await using server = await startNatsServer();
    const events: TenureEvent[] = [];
    await using _ = await createSilo({
      actors: [Toiler],
      ...memory(),
      transport: nats({ servers: server.url }).transport,
      bootstrap: true,
      stopOnSigterm: false,
      onEvent: (event) => void events.push(event),
    });
    await using client = await connect(nats({ servers: server.url }));
    await using other = await connect(nats({ servers: server.url }));
    const toilers = Array.from({ length: ACTORS }, (_, i) => client.get(Toiler, `${i}`));
    await Promise.all(toilers.map((toiler) => toiler.toil()));
    const startMs = performance.now();
    const crowd = Promise.allSettled(
      Array.from({ length: CROWD }, (_, i) => toilers[i % ACTORS]!.toil()),
    );
    const beside = await other.get(Toiler, "beside").calls();
    const besideMs = performance.now() - startMs;
    const results = await crowd;
    const errors = results.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(beside).toBe(0);
    // By the clock, whatever the machine: what the crowd's methods take together is CROWD ms.
    expect(besideMs).toBeLessThan(CROWD / 2);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) {
      expect(error).toBeInstanceOf(OverloadedError);
      expect(error.outcome).toBe("not-executed");
      expect(error.retryAfterMs).toBeGreaterThan(0);
    }
    const counted = await Promise.all(toilers.map((toiler) => toiler.calls()));
    expect(counted.reduce((all, calls) => all + calls, 0)).toBe(ACTORS + CROWD - errors.length);
    expect(events.filter(({ type }) => type === "silo.paused")).toEqual([]);
  },
);
