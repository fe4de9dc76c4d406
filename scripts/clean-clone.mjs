// `pnpm clean-clone`: clones the repository into a temporary folder and runs the README's two commands there, with empty
// caches of their own, as a newcomer's machine would. Prints how long each took.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "tenure-clone-"));
const clone = join(dir, "tenure");
const env = {
  ...process.env,
  NO_COLOR: "1",
  npm_config_cache: join(dir, "npm-cache"),
  npm_config_store_dir: join(dir, "pnpm-store"),
  XDG_DATA_HOME: join(dir, "data"),
  XDG_CACHE_HOME: join(dir, "cache"),
};
let exitCode = 0;
try {
  run("git", ["clone", "--quiet", root, clone], dir);
  const commands = [
    ...readFileSync(join(clone, "README.md"), "utf8").matchAll(/^npx -y (\S+) (demo|test)\b/gm),
  ];
  for (const [, pnpm, script] of commands) {
    const started = performance.now();
    const { status, stdout } = run("npx", ["-y", pnpm, script], clone);
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    console.log(`npx -y ${pnpm} ${script}: exit code ${status}, ${seconds} s; its last lines:`);
    console.log(
      stdout
        .trimEnd()
        .split("\n")
        .slice(-8)
        .map((line) => `  | ${line}`)
        .join("\n"),
    );
    if (status !== 0) exitCode = 1;
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
process.exitCode = exitCode;

function run(command, args, cwd) {
  return spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
}
