// `pnpm test`: gets the servers that the tests need, then runs vitest: the simulation, which uses every core by itself, then
// the unit and integration projects. With arguments it runs only the latter, with these arguments.
//   T1. The exit code is vitest's; where vitest does not even start, it is 1.
//   T2. In CI (CI=true) the last line is `N passed, N failed, N skipped`, whatever happened: the sum of all runs. Where
//       TENURE_COUNT_FILE names a file the line goes there instead, as in ci-reporter.mjs.
//   T3. In CI every title that docs/GUARANTEES.md names has run and passed: each that has not is a failure.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { notRun } from "./guarantees.mjs";
import { ensurePostgres, ensureServers } from "./servers.mjs";

const NOTHING_RAN = "0 passed, 1 failed, 0 skipped\n";
const root = fileURLToPath(new URL("..", import.meta.url));
const given = process.argv.slice(2);
// What skips comes last: its list stands right above the count.
const runs =
  given.length > 0
    ? [["--project", "unit", "--project", "integration", ...given]]
    : [
        ["--project", "simulation"],
        ["--project", "unit", "--project", "integration"],
      ];

process.exitCode = await testAll();

async function testAll() {
  try {
    await ensureServers(process.env);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    if (process.env.CI) tell([NOTHING_RAN]);
    return 1;
  }
  try {
    await ensurePostgres(process.env);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    if (process.env.CI) {
      tell([NOTHING_RAN]);
      return 1;
    }
    process.stderr.write("The tests of @tenure/postgres are skipped.\n");
  }
  const counts = [];
  const titles = [];
  let exitCode = 0;
  for (const args of runs) {
    const run = await runAndCount(args);
    counts.push(run.count);
    titles.push(...run.titles);
    exitCode ||= run.code;
  }
  if (!process.env.CI) return exitCode;
  const page = readFileSync(join(root, "docs/GUARANTEES.md"), "utf8");
  const missing = given.length > 0 ? [] : notRun(page, titles);
  for (const title of missing)
    process.stdout.write(`FAILED  docs/GUARANTEES.md names a test that did not run: ${title}\n`);
  tell([...counts, `0 passed, ${missing.length} failed, 0 skipped`]);
  return exitCode || (missing.length > 0 ? 1 : 0);
}

async function runAndCount(args) {
  const dir = mkdtempSync(join(tmpdir(), "tenure-test-"));
  const files = { count: join(dir, "count"), titles: join(dir, "titles") };
  try {
    // The reporter overwrites them. What it cannot count is a vitest that failed before its reporter, or was killed.
    writeFileSync(files.count, NOTHING_RAN);
    writeFileSync(files.titles, "[]");
    const code = await vitest(args, {
      ...process.env,
      TENURE_COUNT_FILE: files.count,
      TENURE_TITLES_FILE: files.titles,
    });
    const titles = JSON.parse(readFileSync(files.titles, "utf8"));
    return { code, count: readFileSync(files.count, "utf8"), titles };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function tell(counts) {
  const sum = [0, 0, 0];
  for (const count of counts)
    for (const [i, number] of count.match(/\d+/g).entries()) sum[i] += Number(number);
  const line = `${sum[0]} passed, ${sum[1]} failed, ${sum[2]} skipped\n`;
  if (process.env.TENURE_COUNT_FILE) writeFileSync(process.env.TENURE_COUNT_FILE, line);
  else process.stdout.write(line);
}

async function vitest(args, env) {
  const program = fileURLToPath(new URL("vitest.mjs", import.meta.resolve("vitest/package.json")));
  const child = spawn(process.execPath, [program, "run", ...args], {
    cwd: root,
    env,
    stdio: "inherit",
  });
  // Ctrl-C reaches vitest by itself; a signal to this process alone has to be handed on.
  const handOn = (signal) => child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, handOn);
  try {
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
    });
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, handOn);
  }
}
