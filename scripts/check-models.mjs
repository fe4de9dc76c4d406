// `pnpm model`: checks the models in docs/protocol/model with Spin: their properties hold, their scenes are reached, their broken
// twins are found out. One line each: states, depth, seconds, verdict.
//   CM1. A run that did not search everything proves nothing, and is a failure.
//   CM2. Where spin or gcc is missing they are installed (root, with apt-get), or else all of it is skipped, and says so. Where
//        TENURE_SKIPS names a file, that line goes there, too.
//   --only WORD  those with the word in them
import { execFile, spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runsOf, verdictOf } from "./models.mjs";

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL("../docs/protocol/model/", import.meta.url));
/** Each takes seconds; all together are less than the product, which takes minutes. */
const MODELS = [
  {
    name: "fence",
    sizes: [
      ["-DACTIVATIONS=2", "-DSAVES=3"],
      ["-DACTIVATIONS=3", "-DSAVES=2"],
    ],
  },
  { name: "lease", sizes: [[]] },
  { name: "patience", sizes: [[]] },
];
const MEGABYTES = 4_000;
const TIMEOUT_MS = 300_000;

const only = process.argv.includes("--only") ? process.argv.at(-1) : "";
process.exitCode = (await ensureTools()) ? await checkAll() : 0;

async function checkAll() {
  const runs = MODELS.flatMap((model) =>
    runsOf({ ...model, text: readFileSync(join(FOLDER, `${model.name}.pml`), "utf8") }),
  ).filter(({ model, what }) => `${model} ${what}`.includes(only));
  const waiting = [...runs];
  let failed = 0;
  const began = performance.now();
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      if (!(await check(next))) failed++;
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  process.stdout.write(
    `${runs.length} runs of ${MODELS.length} models, ${failed} failed, ${seconds} s\n`,
  );
  // CM1: nothing searched is nothing proved.
  return failed === 0 && runs.length > 0 ? 0 : 1;
}

async function check({ model, what, wanted, tries }) {
  const began = performance.now();
  let last;
  for (const flags of tries) {
    last = await searched(model, flags);
    if (last.verdict === wanted) break;
  }
  const { verdict, states, depth, stdout } = last;
  const fine = verdict === wanted;
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const name = `${model}: ${what}`.padEnd(58);
  process.stdout.write(
    `${name} ${fine ? "ok  " : "FAIL"} ${verdict.padEnd(10)} ${String(states).padStart(8)} states, depth ${String(depth).padStart(5)}, ${seconds.padStart(5)} s\n`,
  );
  if (!fine) process.stdout.write(`${stdout}\n`);
  return fine;
}

async function searched(model, flags) {
  const folder = mkdtempSync(join(tmpdir(), "tenure-model-"));
  try {
    const options = { cwd: folder, maxBuffer: 1 << 26 };
    await run("spin", ["-a", ...flags, join(FOLDER, `${model}.pml`)], options);
    const checks = ["-DSAFETY", `-DMEMLIM=${MEGABYTES}`];
    await run("gcc", ["-O2", "-w", ...checks, "-o", "pan", "pan.c"], options);
    const { stdout } = await run(join(folder, "pan"), ["-m1000000"], {
      ...options,
      timeout: TIMEOUT_MS,
    }).catch((error) => error);
    return { ...verdictOf(String(stdout)), stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CM2. */
async function ensureTools() {
  const missing = () => ["spin", "gcc"].filter((tool) => spawnSync(tool, ["--version"]).error);
  if (missing().length > 0 && process.getuid?.() === 0) {
    const quiet = { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
    spawnSync("apt-get", ["update", "-qq"], quiet);
    spawnSync("apt-get", ["install", "-y", "-qq", "spin", "gcc", "libc6-dev"], quiet);
  }
  const still = missing();
  if (still.length === 0) return true;
  const line = `SKIPPED the models of the protocol: ${still.join(" and ")} is not installed, and cannot be by this user\n`;
  process.stdout.write(line);
  if (process.env.TENURE_SKIPS) appendFileSync(process.env.TENURE_SKIPS, line);
  return false;
}
