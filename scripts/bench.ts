// `pnpm bench`: what Tenure costs over the same work done by hand. docs/PERFORMANCE.md is its guide.
//   --only A,B          rows: local, remote, durable, memory, takeover (all)
//   --repetitions N     of each side (5)
//   --run MS            of one run (1,000)
//   --idle N            activations whose memory is measured (120,000)
//   --profile           a CPU profile of each of Tenure's processes, into .cache/profiles
import { ensureServers } from "./servers.mjs";
import { readFlags } from "./flags.ts";
import { type RowId, ROWS } from "../test/bench/rows.ts";
import { recordOf, runRows, writeResults } from "../test/bench/run.ts";

const flags = readFlags(["--only", "--repetitions", "--run", "--idle", "--profile"]);
await ensureServers();
const all = Object.keys(ROWS) as RowId[];
const only = flags.list("--only") ?? all;
const unknown = only.filter((id) => !all.includes(id as RowId));
if (unknown.length > 0)
  throw new Error(`no rows ${unknown.join(", ")}; there are ${all.join(", ")}`);
const rows = await runRows(only as RowId[], {
  repetitions: flags.number("--repetitions", 5),
  runMs: flags.number("--run", 1_000),
  idle: flags.number("--idle", 120_000),
  flags: flags.has("--profile") ? ["--cpu-prof", "--cpu-prof-dir=.cache/profiles"] : [],
});
// A part of the table is no record of it.
if (only.length === all.length && !flags.has("--profile")) writeResults("bench", recordOf(rows));
