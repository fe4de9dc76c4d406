// Calls that wait for each other, in drawn graphs of calls over three simulated silos: each ring is named, nothing else is.
import { CallError, CallTimeoutError, DeadlockError, SiloUnavailableError } from "tenure";
import { seededRandom } from "@tenure/core/internal";
import { testCluster } from "@tenure/testing";
import { expect, test } from "vitest";
import { firstSeedOf } from "./cli.ts";
import { drawGraph } from "./crossings/graph.ts";
import { Onlooker } from "./crossings/onlooker.ts";
import { makePerformer, perform } from "./crossings/performer.ts";

const GRAPHS = Number(process.env["TENURE_CROSSINGS"] ?? 10_000);
const AT_ONCE = 50;
/** Long: a ring that nobody named ends when this does. */
const CALL_TIMEOUT_MS = 120_000;

interface Tally {
  crossed: number;
  chained: number;
  answered: number;
  impatient: number;
  readonly problems: string[];
}

async function runGraphs(seed: number, tally: Tally): Promise<void> {
  let nowMs = (): number => 0;
  // When all clients have their answers, the cluster is taken down under the turns that nobody waits for any more.
  let over = false;
  const onlooker = new Onlooker(() => nowMs());
  const performer = makePerformer({
    onlooker,
    crossed: (error, agreed) => {
      if (over) return;
      tally.crossed += 1;
      if (!agreed) tally.problems.push(`seed ${seed}: no deadlock: ${error.message}`);
    },
  });
  await using t = await testCluster({
    actors: [performer],
    silos: 3,
    seed,
    options: {
      callTimeoutMs: CALL_TIMEOUT_MS,
      onEvent: (event) => {
        if (event.type === "deadlock.broken") onlooker.breaks(event.ring);
      },
    },
  });
  nowMs = () => t.clock.nowMs;
  const random = seededRandom(seed);
  t.faults.network.delayMs = random.next() * 40;
  const calls = Array.from({ length: AT_ONCE }, (_, i) => drawGraph(`g${i}`, random)).flat();
  const results = await Promise.allSettled(
    calls.map(async (call, i) => {
      const silo = `silo-${(i % 3) + 1}`;
      await perform(t.clientOf(silo), performer, call, {
        onlooker,
        crossed: (error) => tally.problems.push(`seed ${seed}: a client's call: ${error.message}`),
      });
    }),
  );
  over = true;
  if (t.clock.nowMs > CALL_TIMEOUT_MS)
    tally.problems.push(`seed ${seed}: somebody waited to the end`);
  for (const result of results) {
    if (result.status === "fulfilled") tally.answered += 1;
    else if (result.reason instanceof DeadlockError) tally.chained += 1;
    // Where time is short, a call may be over before anybody served it.
    else if (
      result.reason instanceof CallTimeoutError ||
      result.reason instanceof SiloUnavailableError
    )
      tally.impatient += 1;
    else if (result.reason instanceof CallError)
      tally.problems.push(`seed ${seed}: ${result.reason.code}: ${result.reason.message}`);
    else throw result.reason;
  }
}

test(
  `in ${GRAPHS} drawn graphs of calls each ring is named, and nothing that is none (Q1, Q2, Q4, K2)`,
  { timeout: 600_000 },
  async () => {
    const first = firstSeedOf();
    const tally: Tally = { crossed: 0, chained: 0, answered: 0, impatient: 0, problems: [] };
    for (let seed = first; seed < first + GRAPHS / AT_ONCE; seed++) await runGraphs(seed, tally);
    console.log(
      `crossings: ${GRAPHS} graphs from seed ${first}: ${tally.crossed} rings named, ${tally.answered} calls of clients answered, ${tally.chained} failed with a ring, ${tally.impatient} by a timeout of their own`,
    );
    expect(tally.problems.slice(0, 5)).toEqual([]);
    expect(tally.crossed).toBeGreaterThan(0);
  },
);
