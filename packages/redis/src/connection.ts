// One connection to the server.
//   RC1. Whatever rejects is indefinite, and says so: StoreUnavailableError with the address and the reason (R7).
//   RC2. Nothing waits for a connection, and nothing is sent twice behind the caller's back: without a connection an
//        operation is refused at once, and one that was in flight when it broke is rejected. Resending is the caller's,
//        with the same ids (R8); by default the library resends scripts by itself (H10, measured).
//   RC3. A broken connection is made anew for ever, with short waits; one that went silent is broken after the command
//        timeout, not when TCP notices.
//   RC4. After close() every operation rejects (D6).
import {
  ConfigError,
  type PortEnvironment,
  type Sequenced,
  StoreUnavailableError,
  UnreachableError,
} from "@tenure/core/internal";
import { Redis, type RedisOptions as ClientOptions } from "ioredis";
import type { ResolvedRedisOptions } from "./options.ts";
import { ScriptArguments } from "./arguments.ts";
import { Reply } from "./reply.ts";
import type { LuaScript } from "./script.ts";

/** ARGV of a script: the prefix of all keys, the list of arguments, and the large ones. */
const FIRST_LARGE = 3;

const LONGEST_WAIT_MS = 1_000;

/** Opens a connection for `purpose`, which an operator sees in CLIENT LIST. */
export async function connectRedis(
  options: ResolvedRedisOptions,
  purpose: string,
  environment: PortEnvironment,
): Promise<RedisConnection> {
  const client = new Redis(clientOptions(options, purpose, environment));
  const connection = new RedisConnection(client, options, environment);
  try {
    await connection.ready();
  } catch (error) {
    client.disconnect();
    throw error;
  }
  return connection;
}

function clientOptions(
  options: ResolvedRedisOptions,
  purpose: string,
  environment: PortEnvironment,
): ClientOptions & { readonly replyMapping: "legacy" } {
  const { cluster, leaseTtlMs, random } = environment;
  const commandTimeoutMs = options.commandTimeoutMs ?? Math.ceil(leaseTtlMs / 2);
  if (commandTimeoutMs > leaseTtlMs)
    throw new ConfigError(
      "redis.commandTimeoutMs",
      `must be at most leaseTtlMs (${leaseTtlMs}), not ${commandTimeoutMs}: a renewal that waits longer is of no use`,
    );
  return {
    host: options.host,
    port: options.port,
    db: options.db,
    ...(options.username !== undefined && { username: options.username }),
    ...(options.password !== undefined && { password: options.password }),
    ...(options.tls && { tls: options.tls }),
    connectionName: `tenure-${cluster}-${purpose}`,
    // The same replies from ioredis 5 and 6.
    protocol: 2,
    replyMapping: "legacy",
    lazyConnect: true,
    // RC2
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandTimeoutMs,
    connectTimeout: options.connectTimeoutMs ?? Math.ceil(leaseTtlMs / 2),
    // RC3
    socketTimeout: commandTimeoutMs,
    retryStrategy: (attempt) =>
      Math.min(LONGEST_WAIT_MS, 25 * 2 ** Math.min(attempt, 10)) * (0.5 + random.next() / 2),
    maxLoadingRetryTime: 250,
    // Of a socket that is being dropped. The library's timer holds the process for so long, even if it is gone already.
    disconnectTimeout: 100,
    // A primary became a replica: the address may lead to its successor by now.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  };
}

export class RedisConnection {
  readonly address: string;
  readonly #client: Redis;
  readonly #environment: PortEnvironment;
  /** A refused connection rejects with "Connection is closed": the reason comes only as an `error` event. */
  #lastError: Error | undefined;
  readonly #arguments = new ScriptArguments(FIRST_LARGE);
  #wasReady = false;
  #closed = false;

  constructor(client: Redis, options: ResolvedRedisOptions, environment: PortEnvironment) {
    this.address = options.address;
    this.#client = client;
    this.#environment = environment;
    client.on("ready", () => {
      this.#wasReady = true;
      this.#lastError = undefined;
    });
    client.on("error", (error: Error) => {
      // That nothing can be sent says nothing of why; what came before it does.
      if (!error.message.startsWith("Stream isn't writeable")) this.#lastError = error;
      // The library goes on with database 0 when it cannot select the one that it was given.
      if (failedCommand(error) === "select") client.disconnect(true);
    });
    client.on("close", () => {
      if (this.#wasReady && !this.#closed)
        environment.emit({
          type: "store.unavailable",
          store: `redis at ${this.address}`,
          error: this.#lastError?.message ?? "the connection was closed",
        });
      this.#wasReady = false;
    });
  }

  /** Connects. The first attempt that fails is told at once: a wrong address should not look like a slow one. */
  async ready(): Promise<void> {
    const { clock, openTimeoutMs } = this.#environment;
    await new Promise<void>((resolve, reject) => {
      const timer = clock.after(openTimeoutMs, () => {
        const slow = new Error(`no answer within ${openTimeoutMs} ms`);
        reject(new UnreachableError("redis", this.address, this.#lastError ?? slow));
      });
      this.#client
        .connect()
        .then(resolve, (error: Error) => reject(this.#openError(this.#lastError ?? error)))
        .finally(() => timer.cancel());
    });
  }

  /**
   * Runs a script and reads its answer; every script replies [sequence, answer]. One round trip; two where the server has
   * not seen the script since it started.
   */
  async ask<T>(
    script: LuaScript,
    write: (args: ScriptArguments) => void,
    read: (reply: Reply) => T,
  ): Promise<Sequenced<T>> {
    const reply = new Reply(await this.#run(script, this.#taken(write)));
    reply.list();
    const sequence = reply.number();
    const answer = read(reply);
    reply.end();
    return { sequence, answer };
  }

  /** What is written now, and nothing of what was given up half-way before it. */
  #taken(write: (args: ScriptArguments) => void): Buffer[] {
    this.#arguments.clear();
    write(this.#arguments);
    return this.#arguments.take();
  }

  async #run(script: LuaScript, args: readonly Buffer[]): Promise<unknown> {
    const given = ["0", `tenure:${this.#environment.cluster}:`, ...args];
    try {
      return await this.#send("evalsha", [script.sha, ...given]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT")))
        throw this.#unavailable(script.name, error);
    }
    // NOSCRIPT is definitive: nothing ran.
    try {
      return await this.#send("eval", [script.text, ...given]);
    } catch (error) {
      throw this.#unavailable(script.name, error);
    }
  }

  /** What the server answers to a command, in Buffers. */
  async command(name: string, ...args: readonly string[]): Promise<unknown> {
    try {
      return await this.#send(name, args);
    } catch (error) {
      throw this.#unavailable(name, error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // QUIT is answered after all that was sent before it.
    await this.#client.quit().catch(() => this.#client.disconnect());
  }

  async #send(command: string, args: readonly (string | Buffer)[]): Promise<unknown> {
    if (this.#closed) throw new Error("this session is closed");
    return await this.#client.callBuffer(command, [...args]);
  }

  #unavailable(operation: string, error: unknown): StoreUnavailableError {
    const isConnected = this.#client.status === "ready";
    const cause = isConnected || this.#closed ? error : (this.#lastError ?? error);
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new StoreUnavailableError(`redis at ${this.address}: ${operation}: ${reason}`, cause);
  }

  #openError(error: Error): Error {
    const { message } = error;
    if (failedCommand(error) === "select")
      return new ConfigError(
        "redis.url",
        `the server at ${this.address} does not have that database (${message}); name one that it has, or none`,
        {},
        error,
      );
    if (/^(?:WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/.test(message))
      return new ConfigError(
        "redis.url",
        `the server at ${this.address} did not accept the user and password (${message})`,
        {},
        error,
      );
    return new UnreachableError("redis", this.address, error);
  }
}

/** The command that the server answered with this error. */
function failedCommand(error: Error): string | undefined {
  return (error as { command?: { name?: string } }).command?.name;
}
