import { runRound } from "./round.ts";
import { summary, failureReport } from "./report.ts";
const seed = Number(process.argv[2]);
const r = await runRound({
  seed,
  strikes: Number(process.argv[3] ?? 3),
  ttlMs: Number(process.argv[4] ?? 2000),
  namespaces: process.argv[5] === "ns",
});
console.log(r.violations.length ? failureReport(r, "x") : summary(r));
