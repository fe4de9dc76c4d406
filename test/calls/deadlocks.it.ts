// Calls that wait for each other, between three silo processes over NATS: named within milliseconds, not by a timeout.
import { type CallError, DeadlockError } from "tenure";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Dancer } from "./dancer.ts";
import { type CalledSilos, startSilos } from "./silos.ts";

const ROUNDS = 11;
let silos: CalledSilos;

beforeAll(async () => {
  silos = await startSilos();
}, 60_000);

afterAll(async () => {
  await silos[Symbol.asyncDispose]();
});

/** New dancers, each on another silo than the one before. */
async function dancers(round: string, count: number): Promise<readonly string[]> {
  return await silos.spread(round, count, (id) => silos.client.get(Dancer, id).silo());
}

async function failure(call: Promise<unknown>): Promise<{ error: CallError; ms: number }> {
  const began = performance.now();
  const error = await call.then(
    () => undefined,
    (e: unknown) => e,
  );
  return { error: error as CallError, ms: performance.now() - began };
}

function tell(what: string, ms: number[]): void {
  ms.sort((a, b) => a - b);
  console.log(
    `${what}: median ${ms[ms.length >> 1]!.toFixed(1)} ms, ${ms[0]!.toFixed(1)} to ${ms.at(-1)!.toFixed(1)}, of ${ms.length}`,
  );
}

test("a cycle of one chain over three silos is named at once, with every method", async () => {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [a, b, c] = await dancers(`cycle${round}`, 3);
    const { error, ms } = await failure(silos.client.get(Dancer, a!).lead(b!, c!, a!));
    expect(error).toBeInstanceOf(DeadlockError);
    expect(error.message).toContain(
      `dancer/${a}.lead → dancer/${b}.lead → dancer/${c}.lead → dancer/${a}.lead`,
    );
    took.push(ms);
  }
  tell("a cycle over three silos is named after", took);
});

test(
  "a crossed ring of four over three silos is named long before any timeout, and costs one call",
  { timeout: 60_000 },
  async () => {
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const ids = await dancers(`ring${round}`, 4);
      const calls = ids.map((id, i) => silos.client.get(Dancer, id).waitFor(ids[(i + 1) % 4]!));
      const settled = Promise.allSettled(calls);
      // Each is there before any begins.
      for (const id of ids) {
        let begun = false;
        while (!begun) begun = await silos.client.get(Dancer, id).begin();
      }
      const { ms } = await failure(Promise.all(calls));
      took.push(ms);
      const failed = (await settled).flatMap((result) =>
        result.status === "rejected" ? [result.reason as CallError] : [],
      );
      expect(failed).toHaveLength(1);
      expect(failed[0]).toBeInstanceOf(DeadlockError);
      for (const id of ids) expect(failed[0]!.message).toContain(`dancer/${id}.waitFor → `);
    }
    tell("a crossed ring of four over three silos is named after", took);
  },
);
