// A nats-server, redis-server or postgres of one's own, for an example or a test: its own port, its own data, its own process.
//   V1. It listens on loopback only, on a port that was free or that the caller names. A server that already runs on
//       this machine is never used.
//   V2. start answers when the server has said that it accepts connections; a server that ends instead, or says nothing
//       for ten seconds, is an error with the last that it wrote.
//   V3. kill and restart keep the port and the data, as a crash would; stop removes the data, and a restart after it
//       finds none.
//   V4. No server outlives the process that started it, unless that is killed itself.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresBinaries, serverBinaries } from "../../scripts/servers.mjs";

export interface PrivateServerOptions {
  /** Lines for its configuration file. */
  readonly config?: string | undefined;
  /** @default a free one */
  readonly port?: number | undefined;
}

/** A nats-server with JetStream. */
export async function startNatsServer(options: PrivateServerOptions = {}): Promise<PrivateServer> {
  return await PrivateServer.launch(
    {
      program: serverBinaries().natsServer,
      env: serverBinaries().env,
      scheme: "nats",
      ready: /Server is ready/,
      args: (configFile) => ["-c", configFile],
      config: (port, dir) =>
        `listen: "127.0.0.1:${port}"\njetstream: { store_dir: "${dir}/data" }\n`,
    },
    options,
  );
}

/** A redis-server whose data survives `kill`: it writes every change to its log before it answers. `config` overrides that. */
export async function startRedisServer(options: PrivateServerOptions = {}): Promise<PrivateServer> {
  return await PrivateServer.launch(
    {
      program: serverBinaries().redisServer,
      env: serverBinaries().env,
      scheme: "redis",
      ready: /Ready to accept connections/,
      args: (configFile) => [configFile],
      config: (port, dir) =>
        `bind 127.0.0.1\nport ${port}\ndir "${dir}"\nsave ""\nappendonly yes\n`,
    },
    options,
  );
}

/**
 * A PostgreSQL server with one superuser, `postgres`, and a database of that name. Its data survives `kill`, but for speed not a
 * crash of the machine (fsync off). `config` overrides that.
 */
export async function startPostgresServer(
  options: PrivateServerOptions = {},
): Promise<PrivateServer> {
  const found = postgresBinaries();
  if (!found) throw new Error("postgres not found: `npx -y pnpm@12.21.0 test` gets it");
  const { postgres, initdb, env } = found;
  const owner = unprivilegedUser();
  return await PrivateServer.launch(
    {
      program: postgres,
      env,
      scheme: "postgres",
      account: "postgres",
      owner,
      forks: true,
      // Its own word for stopping now, and not when the last client has left.
      stopSignal: "SIGINT",
      ready: /database system is ready to accept (?:read-only )?connections/,
      prepare: (dir) => {
        const data = join(dir, "data");
        if (existsSync(data)) return;
        const how = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"];
        execFileSync(initdb, ["--no-sync", ...how, "-D", data], { ...owner, env, stdio: "pipe" });
      },
      args: (configFile, dir) => ["-D", join(dir, "data"), "-c", `config_file=${configFile}`],
      config: (port, dir) =>
        `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = '${dir}'\n` +
        `fsync = off\nshared_buffers = 32MB\nmax_connections = 60\nlc_messages = 'C'\n`,
    },
    options,
  );
}

/** PostgreSQL refuses to run as root. */
function unprivilegedUser(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync("id", [flag, "nobody"]));
  return { uid: id("-u"), gid: id("-g") };
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

interface Kind {
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly scheme: string;
  /** In the URL, before the host. */
  readonly account?: string;
  /** Who it runs as. @default this process's user */
  readonly owner?: Owner | undefined;
  /** It has a process of its own for each connection. */
  readonly forks?: true;
  /** @default "SIGTERM" */
  readonly stopSignal?: NodeJS.Signals;
  /** Before each start. */
  prepare?(dir: string): void;
  readonly ready: RegExp;
  args(configFile: string, dir: string): readonly string[];
  /** What makes it private. The caller's lines come after it, and win. */
  config(port: number, dir: string): string;
}

type State =
  | { readonly kind: "running"; readonly child: ChildProcess; readonly ended: Promise<unknown> }
  | { readonly kind: "down" };

const READY_WITHIN_MS = 10_000;
const PORT_TRIES = 5;

export class PrivateServer implements AsyncDisposable {
  /** For a client: `nats://127.0.0.1:40123`. The same after a restart. */
  readonly url: string;
  readonly port: number;
  /** The folder of its data; `stop` removes it. */
  readonly dir: string;
  readonly #kind: Kind;
  #config: string;
  #state: State = { kind: "down" };
  readonly #atExit = (): void => {
    if (this.#state.kind === "running") this.#signal("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  };

  private constructor(kind: Kind, config: string, port: number) {
    this.#kind = kind;
    this.#config = config;
    this.port = port;
    const account = kind.account === undefined ? "" : `${kind.account}@`;
    this.url = `${kind.scheme}://${account}127.0.0.1:${port}`;
    this.dir = mkdtempSync(join(tmpdir(), `tenure-${kind.scheme}-`));
  }

  /** @internal */
  static async launch(kind: Kind, options: PrivateServerOptions): Promise<PrivateServer> {
    for (let tries = 1; ; tries++) {
      const port = options.port ?? (await freePort());
      const server = new PrivateServer(kind, options.config ?? "", port);
      try {
        await server.#start();
        return server;
      } catch (error) {
        await server.stop();
        // Between finding a free port and listening on it somebody else may take it.
        const taken = options.port === undefined && /address already in use/i.test(String(error));
        if (!taken || tries === PORT_TRIES) throw error;
      }
    }
  }

  /** The id of its current process. @throws Error when it is down. */
  get pid(): number {
    if (this.#state.kind === "down" || this.#state.child.pid === undefined)
      throw new Error(`${this.url} is down`);
    return this.#state.child.pid;
  }

  /** Halts it (SIGSTOP): connections stay open, answers do not come. */
  freeze(): void {
    this.#signal("SIGSTOP");
  }

  /** Lets it go on after `freeze`. */
  thaw(): void {
    this.#signal("SIGCONT");
  }

  /** Starts it again on the same port, after `kill`, after `stop` (then without data) or in place of a `kill` (V3). */
  async restart(config: string = this.#config): Promise<void> {
    await this.kill();
    this.#config = config;
    await this.#start();
  }

  /** Ends the process without a goodbye and leaves the data. Does nothing when it is down. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends the process in good order, and removes its data. */
  async stop(): Promise<void> {
    await this.#end(this.#kind.stopSignal ?? "SIGTERM");
    process.off("exit", this.#atExit);
    rmSync(this.dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(): Promise<void> {
    mkdirSync(this.dir, { recursive: true });
    process.off("exit", this.#atExit).once("exit", this.#atExit);
    const configFile = join(this.dir, "server.conf");
    writeFileSync(configFile, `${this.#kind.config(this.port, this.dir)}${this.#config}\n`);
    const { owner, env } = this.#kind;
    if (owner) chownSync(this.dir, owner.uid, owner.gid);
    this.#kind.prepare?.(this.dir);
    const child = spawn(this.#kind.program, this.#kind.args(configFile, this.dir), {
      ...owner,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    // 'close' comes also after a failed spawn, so every child gets here once.
    const ended = new Promise<void>((resolve) => {
      child.once("close", () => {
        this.#state = { kind: "down" };
        resolve();
      });
    });
    this.#state = { kind: "running", child, ended };
    try {
      await said(child, this.#kind.ready);
    } catch (error) {
      await this.kill();
      throw new Error(`${this.#kind.program} did not start: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#state.kind === "down") return;
    const { child, ended } = this.#state;
    if (signal === "SIGKILL") this.#signal(signal);
    else child.kill(signal);
    // A process that SIGSTOP halted takes no SIGTERM before it goes on.
    this.#signal("SIGCONT");
    await ended;
  }

  /** To all of its processes. When they are killed, none sees another one end before it does itself. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#state.kind === "down") return;
    const { child } = this.#state;
    if (this.#kind.forks && child.pid !== undefined) {
      if (signal === "SIGKILL") child.kill("SIGSTOP");
      for (const pid of childrenOf(child.pid)) trySignal(pid, signal);
    }
    child.kill(signal);
  }
}

function childrenOf(parent: number): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).split("\n");
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([pid, ppid]) => (ppid === parent && pid !== undefined ? [pid] : []));
}

/** It may have ended meanwhile. */
function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Resolves when the child's output matches; rejects with the end of its output when it ends, fails or takes too long. */
async function said(child: ChildProcess, ready: RegExp): Promise<void> {
  let output = "";
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`${why}\n${output.slice(-2_000).trim()}`));
    };
    const timer = setTimeout(
      () => fail(`no word of it for ${READY_WITHIN_MS} ms`),
      READY_WITHIN_MS,
    );
    child.once("error", (error) => fail(error.message));
    child.once("close", (code, signal) => fail(`it ended with ${signal ?? code}`));
    const listen = (chunk: unknown): void => {
      output += String(chunk);
      if (!ready.test(output)) return;
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) {
        stream?.off("data", listen);
        // Read on and throw away: a full pipe would halt the server at its next line of log.
        stream?.resume();
      }
      resolve();
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
  });
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port for a server");
  return address.port;
}
