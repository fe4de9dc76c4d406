// scripts/ci-reporter.mjs, run by real vitests over small projects of their own.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const dir = mkdtempSync(join(tmpdir(), "tenure-ci-reporter-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const PASSES = "test('passes', () => {});";

describe("a run of all kinds of tests", () => {
  let run: Run;
  beforeAll(async () => {
    run = await vitest({
      "good.test.mjs": `
        ${PASSES}
        test('fails', () => { throw new Error('no') });
        test.skip('sleeps (needs a bed)', () => {});
        test('asks', (t) => t.skip('nobody answered'));
        test.todo('comes later');
        describe.skip('the whole group', () => { test('is left out', () => {}) });`,
      "load.test.mjs": `throw new Error('does not load');`,
      "hooks.test.mjs": `
        describe('outer', () => {
          afterAll(() => { throw new Error('not tidied') });
          ${PASSES}
        });`,
      "stray.test.mjs": `
        test('lets a promise go', () => { void Promise.reject(new Error('stray')) });`,
    });
  }, 60_000);

  test("ends with the true count alone on the last line (C1)", () => {
    // Failed: `fails`, the file, the hook and the stray rejection.
    expect(run.lines.at(-1)).toBe("3 passed, 4 failed, 4 skipped");
    expect(run.exitCode).toBe(1);
  });

  test("names each failure that is not a test's (C2)", () => {
    expect(run.lines).toContain("FAILED  load.test.mjs: does not load");
    expect(run.lines).toContain("FAILED  hooks.test.mjs > outer: not tidied");
    expect(run.lines).toContain("FAILED  outside of any test: Error: stray");
  });

  test("lists every skipped test just before the count, with its name and its note (C3)", () => {
    expect(run.lines.slice(-5, -1)).toEqual([
      "SKIPPED good.test.mjs > sleeps (needs a bed)",
      "SKIPPED good.test.mjs > asks [nobody answered]",
      "SKIPPED good.test.mjs > comes later",
      "SKIPPED good.test.mjs > the whole group > is left out",
    ]);
  });
});

describe("the count is the last line, and true,", { timeout: 60_000, concurrent: true }, () => {
  test("when all is well, after what a teardown prints (C1)", async () => {
    const run = await vitest({
      "setup.mjs": `export const teardown = () => process.stdout.write('a late word\\n');`,
      "vitest.config.mjs": `export default { test: { globalSetup: './setup.mjs' } };`,
      "a.test.mjs": PASSES,
    });
    expect(run.lines).toContain("a late word");
    expect(run.lines.at(-1)).toBe("1 passed, 0 failed, 0 skipped");
    expect(run.exitCode).toBe(0);
  });

  test("when a worker dies in the middle of a test (C2)", async () => {
    const run = await vitest({
      "a.test.mjs": PASSES,
      "dies.test.mjs": `test('dies', () => { process.kill(process.pid, 'SIGKILL') });`,
    });
    const [, passed, failed] = /^(\d+) passed, (\d+) failed, 0 skipped$/.exec(run.lines.at(-1)!)!;
    expect(passed).toBe("1");
    expect(Number(failed)).toBeGreaterThanOrEqual(1);
    expect(run.output).toContain("FAILED  dies.test.mjs");
    expect(run.exitCode).toBe(1);
  });

  test("when a global setup ends vitest itself (C2)", async () => {
    const run = await vitest({
      "setup.mjs": `export const setup = () => process.exit(0);`,
      "vitest.config.mjs": `export default { test: { globalSetup: './setup.mjs' } };`,
      "a.test.mjs": PASSES,
    });
    expect(run.lines.at(-1)).toBe("0 passed, 1 failed, 0 skipped");
    expect(run.exitCode).toBe(1);
  });

  test("when there is no test at all (C2)", async () => {
    const run = await vitest({});
    expect(run.lines.at(-1)).toBe("0 passed, 1 failed, 0 skipped");
    expect(run.exitCode).toBe(1);
  });

  test("in the file that TENURE_COUNT_FILE names, and then not in the output (C4)", async () => {
    const file = join(dir, "count");
    const run = await vitest({ "a.test.mjs": PASSES }, { TENURE_COUNT_FILE: file });
    expect(readFileSync(file, "utf8")).toBe("1 passed, 0 failed, 0 skipped\n");
    expect(run.lines.at(-1)).not.toContain("passed");
  });

  test("and the file that TENURE_TITLES_FILE names has the titles of what passed, and of nothing else (C5)", async () => {
    const file = join(dir, "titles");
    await vitest(
      {
        "a.test.mjs": `
          describe('of %s', () => { test.each([1, 2])('passes with %i', () => {}); });
          test.skip('sleeps', () => {});
          test('fails', () => { throw new Error('no') });`,
      },
      { TENURE_TITLES_FILE: file },
    );
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(["passes with 1", "passes with 2"]);
  });
});

interface Run {
  readonly exitCode: number | null;
  readonly output: string;
  readonly lines: readonly string[];
}

async function vitest(files: Readonly<Record<string, string>>, env = {}): Promise<Run> {
  const root = mkdtempSync(join(dir, "project-"));
  writeFileSync(join(root, "package.json"), '{ "type": "module" }');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  const reporter = fileURLToPath(new URL("../../scripts/ci-reporter.mjs", import.meta.url));
  const program = fileURLToPath(new URL("vitest.mjs", import.meta.resolve("vitest/package.json")));
  const flags = ["--globals", "--pool=forks", "--reporter=default", `--reporter=${reporter}`];
  // The run that this test belongs to may have such files of its own.
  const { TENURE_COUNT_FILE: _, TENURE_TITLES_FILE: __, ...outer } = process.env;
  const child = spawn(process.execPath, [program, "run", "--root", root, ...flags], {
    env: { ...outer, ...env, NO_COLOR: "1", FORCE_COLOR: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { exitCode, output, lines: output.trimEnd().split("\n") };
}
