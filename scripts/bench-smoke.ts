// `pnpm bench:smoke`: fails when a ratio of the performance table has fallen under three quarters of what is recorded.
//   --record [N]   writes the record instead, from N whole runs (7); of what was recorded before, the lower ratio of each pair stays
//   --anew ROWS    of these rows none does: activation,local-payload
import { ensureServers } from "./servers.mjs";
import { readFlags } from "./flags.ts";
import { record, smoke } from "../test/bench/smoke.ts";

const flags = readFlags(["--record", "--anew"]);
await ensureServers();
const startMs = performance.now();
if (flags.has("--record")) {
  await record(flags.number("--record", 0) || 7, flags.list("--anew") ?? []);
} else if (!(await smoke())) process.exitCode = 1;
console.log(`${((performance.now() - startMs) / 1_000).toFixed(0)} s`);
