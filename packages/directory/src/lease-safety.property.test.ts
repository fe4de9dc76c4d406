// Leases as a whole: real keepers and observers in seeded worlds of drifting clocks, outages, sleep, loss and crashes.
// `LEASE_SEED=123` runs that one world.
import type { Clock, Directory } from "@tenure/core/internal";
import { expect, test } from "vitest";
import {
  Broken,
  type Counters,
  type Plant,
  runLeases,
  TTL,
} from "../../../test/support/lease-cluster.ts";

const SEEDS = 300;
const replay = process.env["LEASE_SEED"];

async function firstBroken(plant: Plant, seeds: number): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed++)
    try {
      await runLeases(seed, plant);
    } catch (error) {
      if (error instanceof Broken) return `seed ${seed}: ${error.message}`;
      throw error;
    }
  return undefined;
}

test("nobody is marked dead while it holds its lease or could renew it, dead is for ever, and all heals (L1, L2, I5, I13)", async () => {
  const sometimes: Counters = { deaths: 0, pauses: 0, resumes: 0, rejoins: 0, conflicts: 0 };
  const [first, last] = replay ? [Number(replay), Number(replay)] : [1, SEEDS];
  for (let seed = first; seed <= last; seed++) {
    const counted = await runLeases(seed).catch((error: unknown) => {
      throw new Error(`LEASE_SEED=${seed}: ${String(error)}`, { cause: error });
    });
    for (const key of Object.keys(sometimes) as (keyof Counters)[]) sometimes[key] += counted[key];
  }
  // Worlds in which nothing ever goes wrong prove nothing.
  const rare = Object.entries(sometimes).filter(([, times]) => times < 50 && !replay);
  expect(rare).toEqual([]);
}, 30_000);

// Each planted bug substitutes a port or the timing; the checks do not know which one it is.
function withClock(clock: Clock, changes: Partial<Clock>): Clock {
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    instant: () => clock.instant(),
    elapsedMs: (start) => clock.elapsedMs(start),
    after: (ms, fn) => clock.after(ms, fn),
    afterTurn: (fn) => clock.afterTurn(fn),
    ...changes,
  };
}

function withDirectory(directory: Directory, changes: Partial<Directory>): Directory {
  return { ...directory, ...changes };
}

const BUGS: readonly (readonly [what: string, plant: Plant])[] = [
  [
    "a renewal's time is taken at its answer (L5)",
    {
      keeper: ({ clock, directory }) => {
        let sent: { monotonicMs: number; bootMs: number } | undefined;
        return {
          clock: withClock(clock, {
            instant: () => (sent = { ...clock.instant() }),
            // The wall clock would notice.
            wallMs: () => Number.NaN,
          }),
          directory: withDirectory(directory, {
            renew: async (request) => {
              const moment = sent;
              const answer = await directory.renew(request);
              Object.assign(moment!, clock.instant());
              return answer;
            },
          }),
        };
      },
    },
  ],
  [
    "a record that is ahead counts as a renewal (L6)",
    {
      keeper: ({ clock, directory }) => ({
        clock,
        directory: withDirectory(directory, {
          renew: async (request) => {
            const { sequence, answer } = await directory.renew(request);
            return answer.ok || answer.refusal !== "conflict"
              ? { sequence, answer }
              : { sequence, answer: { ok: true, member: answer.member } };
          },
        }),
      }),
    },
  ],
  [
    "the lease is measured by the monotonic clock alone (R5, H6)",
    {
      keeper: ({ clock, directory }) => ({
        clock: withClock(clock, {
          elapsedMs: (start) => clock.monotonicMs() - start.monotonicMs,
          wallMs: () => Number.NaN,
        }),
        directory,
      }),
    },
  ],
  [
    // An outage of the store is a gap in the observer's own renewals too: that rule is off as well, which by itself
    // nobody notices in worlds whose transport works.
    "waits are not restarted after a failed poll (W2)",
    {
      without: ["transport away"],
      witnessPeriod: () => 1,
      observer: ({ clock, directory }) => {
        let newest: ReturnType<Directory["members"]> | undefined;
        return {
          clock,
          directory: withDirectory(directory, {
            members: async () => {
              const asked = directory.members();
              try {
                await asked;
                newest = asked;
              } catch (error) {
                if (!newest) throw error;
              }
              return await newest!;
            },
          }),
        };
      },
    },
  ],
  [
    "waits are not restarted after a gap between polls (W2)",
    {
      observer: ({ clock, directory }) => ({
        clock: withClock(clock, { elapsedMs: () => 0 }),
        directory,
      }),
      witnessPeriod: (keeper) => (keeper.holds() ? 1 : undefined),
    },
  ],
  ["the observer's own pause does not matter (W2)", { witnessPeriod: () => 1 }],
  [
    "an observer judges others for as long as it serves itself (L2)",
    { witnessPeriod: (keeper) => (keeper.holds() ? 1 : undefined) },
  ],
  ["a silo is watched for only a TTL (L2)", { timing: (right) => ({ ...right, watchMs: TTL }) }],
  [
    "a death does not name the rev that was watched (R3)",
    {
      observer: ({ clock, directory }) => ({
        clock,
        directory: withDirectory(directory, {
          markDead: async (request) => {
            const { sequence, answer } = await directory.markDead(request);
            return answer.ok || answer.refusal !== "conflict"
              ? { sequence, answer }
              : await directory.markDead({ ...request, expectedRev: answer.member.rev });
          },
        }),
      }),
    },
  ],
];

test.each(BUGS)("the worlds above find a planted bug: %s", async (_bug, plant) => {
  const found = await firstBroken(plant, SEEDS);
  expect(found).toMatch(/^seed \d+: LC/);
});
