// `pnpm test`: gets the servers that the tests need, then runs vitest, its unit and integration projects, with the
// arguments given here.
//   T1. The exit code is vitest's; where vitest does not even start, it is 1.
//   T2. In CI (CI=true) the last line is `N passed, N failed, N skipped`, whatever happened. Where TENURE_COUNT_FILE
//       names a file the line goes there instead, as in ci-reporter.mjs.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureServers } from "./servers.mjs";

const NOTHING_RAN = "0 passed, 1 failed, 0 skipped\n";
const root = fileURLToPath(new URL("..", import.meta.url));

process.exitCode = process.env.CI ? await testAndCount() : await test(process.env);

async function testAndCount() {
  const outer = process.env.TENURE_COUNT_FILE;
  const dir = mkdtempSync(join(tmpdir(), "tenure-test-"));
  const file = outer ?? join(dir, "count");
  try {
    // The reporter overwrites it. What it cannot count is a vitest that failed before its reporter, or was killed.
    writeFileSync(file, NOTHING_RAN);
    const exitCode = await test({ ...process.env, TENURE_COUNT_FILE: file });
    if (!outer) process.stdout.write(readFileSync(file, "utf8"));
    return exitCode;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function test(env) {
  try {
    await ensureServers(env);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const vitest = fileURLToPath(new URL("vitest.mjs", import.meta.resolve("vitest/package.json")));
  const child = spawn(
    process.execPath,
    [vitest, "run", "--project", "unit", "--project", "integration", ...process.argv.slice(2)],
    {
      cwd: root,
      env,
      stdio: "inherit",
    },
  );
  // Ctrl-C reaches vitest by itself; a signal to this process alone has to be handed on.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
