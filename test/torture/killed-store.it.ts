// A few kills of the embedded store in CI; `pnpm crashes` makes a hundred.
import { expect, test } from "vitest";
import { killAgainAndAgain } from "./killed-store.ts";

const KILLS = 5;
const SEED = Number(process.env["TENURE_KILLS_SEED"] ?? Date.now() % 1_000_000);

test(
  `every acknowledged write is there after ${KILLS} times SIGKILL, each with at least 50 writes in flight (seed ${SEED})`,
  { timeout: 120_000 },
  async () => {
    const figures = await killAgainAndAgain({ kills: KILLS, seed: SEED });
    console.log(`seed ${SEED}: ${JSON.stringify(figures)}`);
    expect(figures.leastInFlight).toBeGreaterThanOrEqual(50);
    expect(figures.leastOpen).toBeGreaterThanOrEqual(50);
    expect(figures.acknowledged).toBeGreaterThan(0);
    expect(figures).toMatchObject({ kills: KILLS, failed: 0, lost: 0, strange: 0 });
  },
);
