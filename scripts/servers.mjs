// Where nats-server, redis-server and postgres are on this machine, and how to get them when they are not.
//   S1. A binary that TENURE_NATS_SERVER, TENURE_REDIS_SERVER or TENURE_POSTGRES names is taken, and nothing else: a wrong
//       path is an error.
//   S2. Then what is on PATH (and in the sbin folders, where Debian puts nats-server and which a user's PATH leaves out),
//       then what an earlier run put into the cache folder.
//   S3. What is missing is fetched by apt: root installs the packages, anybody else unpacks them into the cache folder.
//   S4. Where neither works there is one error that says what to do. Nobody goes on without nats-server and redis-server;
//       without postgres its own tests are skipped, with that reason, but not in CI.
//   S5. A server that is found is asked for its version before it is handed out: a file that does not run is an error.
// Only the binaries are taken. Servers that already run on this machine are never used, and installing starts none.
import { execFileSync, spawn } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CACHE_DIR = fileURLToPath(new URL("../.cache/servers", import.meta.url));
/** The name of the program is also that of its folder in the cache. */
const SERVERS = [
  { program: "nats-server", variable: "TENURE_NATS_SERVER", debian: "nats-server" },
  { program: "redis-server", variable: "TENURE_REDIS_SERVER", debian: "redis-server" },
];
const POSTGRES = { program: "postgres", variable: "TENURE_POSTGRES", debian: "postgresql" };
const BREW = { "redis-server": "redis" };
const SYSTEM_DIRS = ["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin"];
/** Debian keeps each major version in a folder of its own, on nobody's PATH. */
const POSTGRES_DIR = "usr/lib/postgresql";

/** The paths of both servers, after getting those that are missing. @throws Error that says what to install. */
export async function ensureServers(env = process.env, cacheDir = CACHE_DIR) {
  const missing = SERVERS.filter((server) => !findServer(server, env, cacheDir));
  if (missing.length > 0) await provide(missing, env, cacheDir);
  const found = serverBinaries(env, cacheDir);
  for (const path of [found.natsServer, found.redisServer]) checkRuns(path, found.env);
  return found;
}

/** The paths of both servers, and the environment to start them in. @throws Error when one is missing. */
export function serverBinaries(env = process.env, cacheDir = CACHE_DIR) {
  const [nats, redis] = SERVERS.map((server) => findServer(server, env, cacheDir));
  const missing = SERVERS.filter((_, index) => ![nats, redis][index]);
  if (!nats || !redis)
    throw new Error(
      `${programs(missing)} not found. \`npx -y pnpm@12.21.0 test\` gets what is missing, or:\n${advice(missing)}`,
    );
  const libraries = [...nats.libraries, ...redis.libraries];
  if (libraries.length === 0) return { natsServer: nats.path, redisServer: redis.path, env };
  if (env.LD_LIBRARY_PATH) libraries.push(env.LD_LIBRARY_PATH);
  return {
    natsServer: nats.path,
    redisServer: redis.path,
    env: { ...env, LD_LIBRARY_PATH: libraries.join(delimiter) },
  };
}

/** The path of postgres, after getting it when it is missing. @throws Error that says what to install. */
export async function ensurePostgres(env = process.env, cacheDir = CACHE_DIR) {
  if (!findServer(POSTGRES, env, cacheDir)) await provide([POSTGRES], env, cacheDir);
  const found = postgresBinaries(env, cacheDir);
  if (!found) throw new Error(`postgres not found.\n${advice([POSTGRES])}`);
  checkRuns(found.postgres, found.env);
  return found;
}

/** The paths of postgres and of its initdb, and the environment to start them in; undefined where there is none. */
export function postgresBinaries(env = process.env, cacheDir = CACHE_DIR) {
  const found = findServer(POSTGRES, env, cacheDir);
  if (!found) return undefined;
  const libraries = [...found.libraries];
  if (libraries.length > 0 && env.LD_LIBRARY_PATH) libraries.push(env.LD_LIBRARY_PATH);
  // On PATH there may be a link to the one program alone.
  const initdb = join(dirname(realpathSync(found.path)), "initdb");
  const needed = libraries.length > 0 && { LD_LIBRARY_PATH: libraries.join(delimiter) };
  return { postgres: found.path, initdb, env: { ...env, ...needed } };
}

/** The path of one server and the folders of the libraries that came with it; undefined when it is nowhere. */
function findServer({ program, variable }, env, cacheDir) {
  const named = env[variable];
  if (named) {
    if (!isProgram(named)) throw new Error(`${variable} is ${named}, which is not a program (S1)`);
    return { path: named, libraries: [] };
  }
  const versions = (root) => (program === POSTGRES.program ? postgresDirs(root) : []);
  const dirs = [
    ...(env.PATH ?? "").split(delimiter).filter(Boolean),
    ...SYSTEM_DIRS,
    ...versions("/"),
  ];
  const installed = dirs.map((dir) => join(dir, program)).find(isProgram);
  if (installed) return { path: installed, libraries: [] };
  const unpacked = join(cacheDir, program);
  const path = [join(unpacked, "usr/sbin"), join(unpacked, "usr/bin"), ...versions(unpacked)]
    .map((dir) => join(dir, program))
    .find(isProgram);
  return path && { path, libraries: libraryDirs(unpacked) };
}

/** The newest version first. */
function postgresDirs(root) {
  const dir = join(root, POSTGRES_DIR);
  if (!existsSync(dir)) return [];
  const versions = readdirSync(dir).toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(dir, version, "bin"));
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Debian keeps libraries in one folder for each kind of machine: usr/lib/x86_64-linux-gnu. */
function libraryDirs(root) {
  return ["usr/lib", "lib"]
    .map((dir) => join(root, dir))
    .filter((dir) => existsSync(dir))
    .flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)))
    .filter((dir) => dir.includes("-linux-gnu") && statSync(dir).isDirectory());
}

function checkRuns(path, env) {
  try {
    execFileSync(path, ["--version"], { env, stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    throw new Error(`${path} does not run (S5): ${error.stderr?.toString().trim() || error}`, {
      cause: error,
    });
  }
}

async function provide(missing, env, cacheDir) {
  const dirs = (env.PATH ?? "").split(delimiter).filter(Boolean);
  const has = (program) => dirs.some((dir) => isProgram(join(dir, program)));
  if (!has("apt-get") || !has("dpkg"))
    throw new Error(`${programs(missing)} not found, and there is no apt.\n${advice(missing)}`);
  const root = process.getuid?.() === 0;
  process.stderr.write(
    `${programs(missing)} not found: ${root ? "installing with apt-get" : `unpacking Debian's packages into ${cacheDir}`}\n`,
  );
  try {
    await (root ? installPackages(missing, env) : unpackPackages(missing, env, cacheDir));
  } catch (error) {
    throw new Error(
      `apt could not get ${programs(missing)}: ${error.message}\n${advice(missing)}`,
      {
        cause: error,
      },
    );
  }
}

const APT_OPTIONS = ["-qq", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30"];
const INSTALL = ["install", "-y", "--no-install-recommends"];

async function installPackages(missing, env) {
  const aptEnv = { ...env, DEBIAN_FRONTEND: "noninteractive" };
  // Another apt may run: CI images update themselves at boot.
  const options = [...APT_OPTIONS, "-o", "DPkg::Lock::Timeout=120"];
  const allowServices = denyServices();
  try {
    const updated = await run("apt-get", [...options, "update"], aptEnv);
    const packages = missing.map((server) => server.debian);
    await run("apt-get", [...options, ...INSTALL, ...packages], aptEnv, updated);
  } finally {
    allowServices();
  }
}

/**
 * Keeps Debian's packages from starting services while this process runs. A policy that the system already has stays.
 * The file removes itself at its first use after us, in case that we are killed before we can.
 */
function denyServices() {
  const policy = "/usr/sbin/policy-rc.d";
  if (existsSync(policy)) return () => {};
  const script = `#!/bin/sh\nkill -0 ${process.pid} 2>/dev/null && exit 101\nrm -f -- "$0"\nexit 0\n`;
  writeFileSync(policy, script, { mode: 0o755 });
  return () => rmSync(policy, { force: true });
}

/** Without root: apt with folders of its own downloads the packages and those of their libraries that the system lacks. */
async function unpackPackages(missing, env, cacheDir) {
  mkdirSync(cacheDir, { recursive: true });
  const work = mkdtempSync(join(cacheDir, "apt-"));
  try {
    const dirs = {
      "Dir::State": "state",
      "Dir::State::lists": "state/lists",
      "Dir::Cache": "cache",
    };
    for (const dir of ["state/lists/partial", "cache/archives/partial"])
      mkdirSync(join(work, dir), { recursive: true });
    const options = [...APT_OPTIONS, "-o", "Debug::NoLocking=1"];
    for (const [option, dir] of Object.entries(dirs))
      options.push("-o", `${option}=${join(work, dir)}`);
    const updated = await run("apt-get", [...options, "update"], env);
    const archives = join(work, "cache/archives");
    for (const server of missing) {
      const { program, debian } = server;
      await run("apt-get", [...options, ...INSTALL, "--download-only", debian], env, updated);
      const unpacked = join(work, program);
      for (const name of readdirSync(archives).filter((file) => file.endsWith(".deb"))) {
        await run("dpkg", ["-x", join(archives, name), unpacked], env);
        rmSync(join(archives, name));
      }
      // Two runs may do this at once. The folder appears whole or not at all, and the one that is later leaves it.
      if (findServer(server, env, cacheDir)) continue;
      rmSync(join(cacheDir, program), { recursive: true, force: true });
      renameSync(unpacked, join(cacheDir, program));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Runs a program and shows its output only in the error when it fails, after that of the step before: `apt-get update`
 * without a network warns and succeeds, and only then does `install` find no package.
 */
function run(program, args, env, before = "") {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = before;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => (output = (output + String(chunk)).slice(-2_000)));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output);
      reject(new Error(`${program} ended with ${signal ?? code}\n${output.trim()}`));
    });
  });
}

const programs = (servers) => servers.map((server) => server.program).join(" and ");

/** What a person can do about missing servers. */
function advice(missing) {
  const packages = missing.map((server) => server.debian);
  const brew = packages.map((name) => BREW[name] ?? name);
  return [
    "The tests and the cluster demo start private servers of their own and need the programs on this machine:",
    `  Debian, Ubuntu   sudo apt-get install ${packages.join(" ")}`,
    `  macOS            brew install ${brew.join(" ")}`,
    ...missing.map((s) => `  any system       ${s.variable}=/path/to/${s.program}`),
    "Or let Docker do it (compose.yaml): `docker compose run --rm test` runs the tests in a container that has all,",
    "and `docker compose up` starts both servers on loopback ports for programs of your own.",
  ].join("\n");
}
