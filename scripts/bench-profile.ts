// `pnpm bench:profile`: one row of the table, and where the time of each of Tenure's processes went.
//   --only A     local, remote or durable (remote)
//   --top N      functions of each process (15)
//   --run MS     of one run (1,000)
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sharesOf } from "../test/bench/profile.ts";
import { type RowId, ROWS } from "../test/bench/rows.ts";
import { runRows } from "../test/bench/run.ts";
import { readFlags } from "./flags.ts";
import { ensureServers } from "./servers.mjs";

const flags = readFlags(["--only", "--top", "--run"]);
const only = flags.list("--only") ?? ["remote"];
const unknown = only.filter((id) => !(id in ROWS));
if (unknown.length > 0)
  throw new Error(`no rows ${unknown.join(", ")}; there are ${Object.keys(ROWS).join(", ")}`);
await ensureServers();
const directory = mkdtempSync(join(tmpdir(), "tenure-profile-"));
try {
  await runRows(only as RowId[], {
    repetitions: 5,
    runMs: flags.number("--run", 1_000),
    idle: 0,
    flags: ["--cpu-prof", `--cpu-prof-dir=${directory}`],
  });
  const top = flags.number("--top", 15);
  for (const file of readdirSync(directory).toSorted()) {
    const { process: name, busyMs, owners, functions } = sharesOf(join(directory, file));
    process.stdout.write(`\n${name}: ${Math.round(busyMs)} ms busy\n`);
    for (const { name: of, share } of [...owners.slice(0, 6), ...functions.slice(0, top)])
      process.stdout.write(`  ${(share * 100).toFixed(1).padStart(5)} %  ${of}\n`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
