// `pnpm demo:repeat [N]`: runs the main job N times (default 10) in each mode and prints one line a run. Exit code 1 when
// one of them did not reconcile.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const times = Number(process.argv[2] ?? 10);
if (!Number.isSafeInteger(times) || times < 1) {
  console.error(`the number of runs must be a positive whole number, not ${process.argv[2]}`);
  process.exit(2);
}
let failed = 0;
for (const mode of ["embedded", "cluster"]) {
  for (let i = 1; i <= times; i++) {
    const started = performance.now();
    const run = spawnSync(
      process.execPath,
      ["--import", "tsx", "examples/flights/main.ts", ...(mode === "cluster" ? ["--cluster"] : [])],
      { cwd: root, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
    );
    const find = (pattern) => pattern.exec(run.stdout)?.[1] ?? "-";
    const exact = run.status === 0 && run.stdout.includes("reconciled exactly");
    if (!exact) failed += 1;
    const waits = [...run.stdout.matchAll(/waited for one of (?:them|its \d+ airports): (.+)/g)];
    console.log(
      [
        `${mode} ${i}/${times}: ${exact ? "exact" : `NOT EXACT (exit code ${run.status})`}`,
        `${((performance.now() - started) / 1_000).toFixed(1)} s`,
        `longest wait at the crash ${waits[0]?.[1] ?? "-"}`,
        ...(mode === "cluster" ? [`at the drain ${waits[1]?.[1] ?? "-"}`] : []),
        `orphans ${find(/it owned (\d+) airports/)}`,
        `in flight ${find(/(\d+) calls to them were in flight/)}`,
        `repeated with their key ${find(/^(\d+) calls ended 'unknown'/m)}`,
      ].join(", "),
    );
    if (!exact) console.log(run.stdout.slice(-3_000), run.stderr.slice(-3_000));
  }
}
console.log(`${2 * times - failed} of ${2 * times} runs reconciled exactly`);
process.exitCode = failed === 0 ? 0 : 1;
