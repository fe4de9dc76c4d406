// The connections of one purpose to the server.
//   PC1. Whatever rejects is indefinite, and says so: StoreUnavailableError with the address and the reason (R7).
//   PC2. Every wait ends: for a connection after the connect timeout, for an answer after the command timeout, and on the
//        server a statement and a wait for a lock somewhat before that. A connection that failed is not used again.
//   PC3. An operation is one statement outside any transaction block: it commits before it is answered, and one whose caller
//        is gone ends by itself. Nothing is sent twice: resending is the caller's, with the same ids (R8).
//   PC4. An answer that came with a warning is none: that a commit was cut short while it waited for a standby is no more
//        than that.
//   PC5. Every new connection is judged as the first was: another server may be behind the address by now.
//   PC6. After close() every operation rejects (D6), and nothing of it is left, whatever the server does.
import {
  type Clock,
  ConfigError,
  type PortEnvironment,
  StoreUnavailableError,
  UnreachableError,
} from "@tenure/core/internal";
import { Pool, type PoolClient, type PoolConfig } from "pg";
import { judgeServer, type ServerIdentity } from "./durability.ts";
import type { ResolvedPostgresOptions } from "./options.ts";
import { migrate } from "./schema/migrations.ts";
import { readSettings } from "./settings.ts";
import type { RunSql, SqlRow, Statement } from "./sql.ts";

/** Connects for `purpose`, which an operator sees in pg_stat_activity, and makes the schema what it must be. */
export async function connectPostgres(
  options: ResolvedPostgresOptions,
  purpose: string,
  size: number,
  environment: PortEnvironment,
): Promise<PostgresConnections> {
  const connections = new PostgresConnections(options, purpose, size, environment);
  try {
    await connections.ready();
    return connections;
  } catch (error) {
    await connections.close();
    throw error;
  }
}

export class PostgresConnections {
  readonly #options: ResolvedPostgresOptions;
  readonly #environment: PortEnvironment;
  readonly #commandTimeoutMs: number;
  readonly #pool: Pool;
  readonly #open = new Set<PoolClient>();
  /** Those that were judged (PC5), with whether a warning came since the last answer (PC4). */
  readonly #judged = new WeakMap<PoolClient, { warning: string | undefined }>();
  #durability = "";
  #identity: ServerIdentity | undefined;
  #lastError: Error | undefined;
  #isUp = false;
  #closed = false;

  constructor(
    options: ResolvedPostgresOptions,
    purpose: string,
    size: number,
    environment: PortEnvironment,
  ) {
    this.#options = options;
    this.#environment = environment;
    this.#commandTimeoutMs = commandTimeout(options, environment);
    this.#pool = new Pool(poolConfig(options, purpose, size, environment, this.#commandTimeoutMs));
    this.#pool.on("connect", (client) => {
      this.#open.add(client);
      client.once("end", () => this.#open.delete(client));
      // Also while it is in use: the library's own listener is only there while it is not. Without one the process ends.
      client.on("error", (error) => this.#broke(error));
      client.on("notice", ({ code, message }) => {
        const judged = this.#judged.get(client);
        if (judged && code?.startsWith("01")) judged.warning = message ?? code;
      });
    });
    this.#pool.on("error", (error) => this.#broke(error));
  }

  /** What an acknowledged write survives, as of the first connection. */
  get durability(): string {
    return this.#durability;
  }

  /** The first connection. What keeps it from working is told at once: a wrong address should not look like a slow one. */
  async ready(): Promise<void> {
    const { clock, openTimeoutMs } = this.#environment;
    const { address } = this.#options;
    try {
      await within(clock, openTimeoutMs, async () => {
        const client = await this.#pool.connect();
        try {
          await this.#judge(client);
          await migrate(runOn(client), this.#options);
          client.release();
        } catch (error) {
          client.release(true);
          throw error;
        }
      });
    } catch (error) {
      throw openError(error, address);
    }
    this.#isUp = true;
  }

  async ask(statement: Statement, values: readonly unknown[]): Promise<readonly SqlRow[]> {
    if (this.#closed) throw this.#unavailable(statement.name, new Error("this session is closed"));
    let client: PoolClient | undefined;
    try {
      client = await this.#pool.connect();
      const used = client;
      const rows = await within(this.#environment.clock, this.#commandTimeoutMs, async () => {
        if (!this.#judged.has(used)) await this.#judge(used);
        const { rows: found } = await used.query<SqlRow>({ ...statement, values: [...values] });
        return found;
      });
      const judged = this.#judged.get(used);
      if (judged?.warning !== undefined) throw new Error(judged.warning); // PC4
      client.release();
      this.#isUp = true;
      return rows;
    } catch (error) {
      client?.release(true);
      throw this.#unavailable(statement.name, error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const goodbye = (): Promise<void> => this.#pool.end();
    await within(this.#environment.clock, this.#commandTimeoutMs, goodbye).catch(() => {
      // It does not answer to a goodbye (PC6). The library's types leave the socket out.
      for (const client of this.#open)
        (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
    });
  }

  async #judge(client: PoolClient): Promise<void> {
    const { settings, identity } = await readSettings(runOn(client));
    const sentence = judgeServer(settings, this.#options, this.#environment.durability);
    this.#judged.set(client, { warning: undefined });
    if (this.#durability === "") this.#durability = sentence;
    const before = this.#identity;
    this.#identity = identity;
    if (before && (before.system !== identity.system || before.timeline !== identity.timeline))
      this.#report(
        `another server answers: system ${identity.system}, timeline ${identity.timeline}, ` +
          `after system ${before.system}, timeline ${before.timeline}`,
      );
  }

  #broke(error: Error): void {
    this.#lastError = error;
    if (!this.#isUp || this.#closed) return;
    this.#isUp = false;
    this.#report(error.message);
  }

  #report(error: string): void {
    this.#environment.emit({
      type: "store.unavailable",
      store: `postgres at ${this.#options.address}`,
      error,
    });
  }

  #unavailable(operation: string, error: unknown): StoreUnavailableError {
    const { message } = error as Error;
    // That a connection ended says nothing of why; what came before it does.
    const ended = message.startsWith("Connection terminated") && this.#lastError;
    const reason = ended ? `${message}: ${this.#lastError?.message}` : message;
    if (!ended && !(error instanceof ConfigError)) this.#broke(error as Error);
    const { address } = this.#options;
    return new StoreUnavailableError(`postgres at ${address}: ${operation}: ${reason}`, error);
  }
}

interface Socket {
  destroy(): void;
}

function commandTimeout(
  { commandTimeoutMs }: ResolvedPostgresOptions,
  { leaseTtlMs }: PortEnvironment,
): number {
  const resolved = commandTimeoutMs ?? Math.ceil(leaseTtlMs / 2);
  if (resolved > leaseTtlMs)
    throw new ConfigError(
      "postgres.commandTimeoutMs",
      `must be at most leaseTtlMs (${leaseTtlMs}), not ${resolved}: a renewal that waits longer is of no use`,
    );
  return resolved;
}

function poolConfig(
  options: ResolvedPostgresOptions,
  purpose: string,
  size: number,
  { cluster, leaseTtlMs }: PortEnvironment,
  commandTimeoutMs: number,
): PoolConfig {
  const { host, port, user, password, database, tls, schema } = options;
  const settings = {
    search_path: `"${schema}"`,
    default_transaction_isolation: "read\\ committed",
    // PC2. The server gives up first, and says why. Neither counts while a commit waits for a standby: see PC4.
    statement_timeout: String(Math.ceil(commandTimeoutMs * 0.9)),
    lock_timeout: String(Math.ceil(commandTimeoutMs * 0.8)),
    idle_in_transaction_session_timeout: String(commandTimeoutMs),
    // Everything is found by its key. A plan made while a table is small is kept while it grows, and must be good then.
    enable_seqscan: "off",
    enable_hashjoin: "off",
    enable_mergejoin: "off",
    jit: "off",
  };
  return {
    host,
    port,
    user,
    ...(password !== undefined && { password }),
    database,
    ssl: tls ?? false,
    application_name: `tenure-${cluster}-${purpose}`,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" "),
    max: size,
    connectionTimeoutMillis: options.connectTimeoutMs ?? Math.ceil(leaseTtlMs / 2),
    idleTimeoutMillis: 0,
    keepAlive: true,
  };
}

function runOn(client: PoolClient): RunSql {
  return async (text, values) => {
    const { rows } = await client.query<SqlRow>(text, values && [...values]);
    return rows;
  };
}

/** Rejects when `work` takes longer; whoever calls ends what it was at. */
async function within<T>(clock: Clock, ms: number, work: () => Promise<T>): Promise<T> {
  return await new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => reject(new Error(`no answer within ${ms} ms`)), {
      keepAlive: true,
    });
    work()
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}

/** Errors at the start that the configuration can mend, by SQLSTATE. */
const REFUSALS: Readonly<Record<string, string>> = {
  "28P01": "did not accept the user and password",
  "28000": "did not accept the user",
  "3D000": "does not have that database",
  "42501": "does not let the user do what is needed",
};

function openError(error: unknown, address: string): Error {
  if (error instanceof ConfigError) return error;
  const { code, message } = error as { code?: string; message: string };
  // What the library says when a password is asked for, and there is none.
  const refusal = message.startsWith("SASL") ? REFUSALS["28P01"] : REFUSALS[code ?? ""];
  if (refusal !== undefined)
    return new ConfigError(
      "postgres.url",
      `the server at ${address} ${refusal} (${message})`,
      {},
      error,
    );
  return new UnreachableError("postgres", address, error);
}
