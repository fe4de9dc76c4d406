// A nats-server or redis-server of one's own, for an example or a test: its own port, its own data, its own process.
//   V1. It listens on loopback only, on a port that was free or that the caller names. A server that already runs on
//       this machine is never used.
//   V2. start answers when the server has said that it accepts connections; a server that ends instead, or says nothing
//       for ten seconds, is an error with the last that it wrote.
//   V3. kill and restart keep the port and the data, as a crash would; stop removes the data, and a restart after it
//       finds none.
//   V4. No server outlives the process that started it, unless that is killed itself.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverBinaries } from "../../scripts/servers.mjs";

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
      scheme: "redis",
      ready: /Ready to accept connections/,
      args: (configFile) => [configFile],
      config: (port, dir) =>
        `bind 127.0.0.1\nport ${port}\ndir "${dir}"\nsave ""\nappendonly yes\n`,
    },
    options,
  );
}

interface Kind {
  readonly program: string;
  readonly scheme: string;
  readonly ready: RegExp;
  args(configFile: string): readonly string[];
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
    if (this.#state.kind === "running") this.#state.child.kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  };

  private constructor(kind: Kind, config: string, port: number) {
    this.#kind = kind;
    this.#config = config;
    this.port = port;
    this.url = `${kind.scheme}://127.0.0.1:${port}`;
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
    process.kill(this.pid, "SIGSTOP");
  }

  /** Lets it go on after `freeze`. */
  thaw(): void {
    process.kill(this.pid, "SIGCONT");
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
    await this.#end("SIGTERM");
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
    const child = spawn(this.#kind.program, this.#kind.args(configFile), {
      env: serverBinaries().env,
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
    child.kill(signal);
    // A process that SIGSTOP halted takes no SIGTERM before it goes on.
    child.kill("SIGCONT");
    await ended;
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
