import { drawPlan, describePlan } from "/work/main/packages/testing/src/simulation/fault-plan.ts";
import { runPlan } from "/work/main/packages/testing/src/simulation/run.ts";
import { protocolWorkload } from "/work/main/test/simulation/workloads/protocol-workload.ts";
const first = Number(process.argv[2] ?? 1), count = Number(process.argv[3] ?? 20), lines = Number(process.argv[4] ?? 0);
process.on("unhandledRejection", (e) => console.log("UNHANDLED", e));
const t0 = performance.now(); let events = 0; const some = new Map<string, number>();
for (let seed = first; seed < first + count; seed++) {
  const plan = drawPlan(seed);
  const r = await runPlan({ plan, workload: protocolWorkload });
  events += r.events;
  for (const [k, v] of r.sometimes) some.set(k, (some.get(k) ?? 0) + v);
  if (r.violations.length) {
    console.log(`seed ${seed} at ${r.simulatedMs.toFixed(0)}: ${r.violations.slice(0, 2).map((v) => v.check + " " + v.detail.slice(0, 400)).join("; ")}`);
    if (lines) { console.log(describePlan(plan).join("\n")); for (const l of r.trace.slice(-lines)) console.log("   ", l.atMs.toFixed(1), l.what); }
  }
}
console.log(`${count} seeds, ${events} events, ${((performance.now() - t0) / count).toFixed(0)} ms per seed`);
if (process.argv[5]) console.log([...some].sort((a, b) => b[1] - a[1]).map((x) => x.join(": ")).join("\n"));
process.exit(0);
