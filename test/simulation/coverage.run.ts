// What the simulation alone reaches of the code that it is to prove. Run by `pnpm sim --coverage`, in one process, so that
// the coverage of vitest sees it.
import { runSeed } from "@tenure/testing/simulation";
import { expect, test } from "vitest";
import { classesWorkload } from "./workloads/classes-workload.ts";
import { AMNESIA, protocolWorkload } from "./workloads/protocol-workload.ts";

const SEEDS = Number(process.env["TENURE_SIM_COVERAGE"] ?? 100);

test("seeds in this process, for their coverage", { timeout: 900_000 }, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const workload = seed % 4 === 0 ? classesWorkload : protocolWorkload;
    expect(
      (await runSeed(seed, workload, { amnesia: AMNESIA })).violations,
      `seed ${seed}`,
    ).toEqual([]);
  }
});
