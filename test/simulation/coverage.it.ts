// How much of what it is to prove the simulation reaches, by itself.
import { expect, test } from "vitest";
import { printCoverage } from "./cli.ts";

const SEEDS = 200;

test(
  `simulation alone reaches 90 % of the lines of directory, activation, catalog and cluster, in ${SEEDS} seeds`,
  { timeout: 200_000 },
  async () => {
    expect(await printCoverage(SEEDS)).toBe(true);
  },
);
