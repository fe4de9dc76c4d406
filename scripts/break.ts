// `pnpm break`: applies each break of breaks.ts in a copy of this checkout and asserts that the named test goes red there. There are
// as many copies as processors.
//   X1. A break whose line does not stand in its file exactly once is an error: it would break nothing.
//   X2. Red is the named test, by its title; a run that fails for another reason proves nothing.
//   X3. Each promise that GUARANTEES.md has as a section is broken at least once, and each title is one that it names.
//   --only WORD  those whose promise or title has the word in it
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Break, BREAKS } from "./breaks.ts";
import { titlePattern, titlesOf } from "./guarantees.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PNPM = ["-y", "pnpm@12.21.0"];

interface Result {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

const only = process.argv.indexOf("--only") > 0 ? process.argv.at(-1)! : "";
const problems = uncovered();
const chosen = BREAKS.filter(({ promise, title }) => `${promise} ${title}`.includes(only));
const waiting = [...chosen];
await Promise.all(
  Array.from({ length: Math.min(availableParallelism(), chosen.length) }, breakInACopy),
);
process.stdout.write(`${chosen.length} breaks, ${problems.length} problems\n`);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** Applies one after the other of those that wait. */
async function breakInACopy(): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), "tenure-break-"));
  try {
    must("git", ["worktree", "add", "--detach", "--quiet", copy, "HEAD"], ROOT);
    must("npx", [...PNPM, "install", "--frozen-lockfile", "--silent"], copy);
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      const began = performance.now();
      const problem = await tried(copy, one);
      const seconds = ((performance.now() - began) / 1_000).toFixed(1);
      process.stdout.write(
        `${one.promise.padEnd(20)} ${problem === undefined ? "red" : "NOT RED"} ${seconds.padStart(5)} s  ${one.breaks}\n`,
      );
      if (problem !== undefined) problems.push(`${one.promise}: ${one.breaks}: ${problem}`);
    }
  } finally {
    spawnSync("git", ["worktree", "remove", "--force", copy], { cwd: ROOT });
    rmSync(copy, { recursive: true, force: true });
  }
}

/** What is wrong; undefined when the test went red. */
async function tried(
  copy: string,
  { file, line, becomes, title, test }: Break,
): Promise<string | undefined> {
  const path = join(copy, file);
  const out = join(copy, "break.json");
  const text = readFileSync(path, "utf8");
  if (text.split(line).length !== 2)
    return `${file} has its line ${text.split(line).length - 1} times`;
  writeFileSync(
    path,
    text.replace(line, () => becomes),
  );
  try {
    const vitest = spawn(
      process.execPath,
      [
        join(copy, "node_modules/vitest/vitest.mjs"),
        "run",
        test,
        "--reporter=json",
        // What a break makes hang is red soon enough.
        "--testTimeout=5000",
        `--outputFile=${out}`,
      ],
      {
        cwd: copy,
        stdio: "ignore",
        env: { ...process.env, CI: "", TENURE_COUNT_FILE: "", TENURE_TITLES_FILE: "" },
      },
    );
    await once(vitest, "exit");
    if (!existsSync(out)) return "its test did not even start";
    const { testResults } = JSON.parse(readFileSync(out, "utf8")) as Result;
    const pattern = titlePattern(title);
    const named = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter((result) => pattern.test(result.title));
    if (named.length === 0) return `no test '${title}' ran in ${test}`;
    return named.some(({ status }) => status === "failed") ? undefined : "its test stayed green";
  } finally {
    writeFileSync(path, text);
    rmSync(out, { force: true });
  }
}

/** X3. */
function uncovered(): string[] {
  const page = readFileSync(join(ROOT, "docs/GUARANTEES.md"), "utf8");
  const titles = new Set(titlesOf(page));
  const invariants = [...page.matchAll(/^## (I\d+) /gm)].map(([, name]) => name!);
  const broken = new Set(BREAKS.map(({ promise }) => promise));
  return [
    ...invariants.filter((name) => !broken.has(name)).map((name) => `${name} is never broken`),
    ...BREAKS.filter(({ title }) => !titles.has(title)).map(
      ({ title }) => `GUARANTEES.md does not name '${title}'`,
    ),
  ];
}

function must(command: string, args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}
