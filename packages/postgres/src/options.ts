// The options of postgres(): checked before any connection, and only once.
//   PO1. A URL that cannot work is refused with what is wrong and what is allowed; a password is never repeated.
//   PO2. The client library gets every field from here: it would take those that are missing from the environment, and
//        settings of its own from a query string. Only a password may come from where it looks (PGPASSWORD, .pgpass).
import type { ConnectionOptions as TlsOptions } from "node:tls";
import {
  ConfigError,
  describe,
  type Duration,
  durationMs,
  refuseUnknown,
} from "@tenure/core/internal";

/** Options of `postgres()`: a `url`, or its parts one by one. */
export interface PostgresOptions {
  /**
   * The primary: `postgres://user[:password]@host[:port]/database`. Parts that mean something in a URL are percent-encoded.
   * `?sslmode=verify-full` asks for TLS, as `tls: true` does.
   */
  readonly url?: string | undefined;
  /** Instead of a URL: a name, an address, or the folder of a Unix socket. */
  readonly host?: string | undefined;
  /** @default 5432 */
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** @default the name of the user */
  readonly database?: string | undefined;
  /** `true`, or settings such as the authority of a private certificate. @default no TLS */
  readonly tls?: true | TlsOptions | undefined;
  /**
   * The schema of the database that holds the tables: made at the first start, if the user may. Clusters that share one
   * do not meet; clusters in schemas of their own can be given, dumped and dropped one by one.
   * @default "tenure"
   */
  readonly schema?: string | undefined;
  /**
   * How many connections a silo uses for state. It has two more for entries and two for leases.
   * @default 4
   */
  readonly connections?: number | undefined;
  /**
   * How long an operation may go unanswered before it is given up, undecided, and its connection made anew. At most the
   * lease's time to live.
   * @default half of leaseTtlMs
   */
  readonly commandTimeoutMs?: Duration | undefined;
  /**
   * How long one attempt to connect may take.
   * @default half of leaseTtlMs
   */
  readonly connectTimeoutMs?: Duration | undefined;
}

export interface ResolvedPostgresOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: TlsOptions | undefined;
  readonly schema: string;
  readonly connections: number;
  /** What messages call the server: host and port, without user or password. */
  readonly address: string;
  readonly commandTimeoutMs: number | undefined;
  readonly connectTimeoutMs: number | undefined;
}

const SERVER_FIELDS = ["host", "port", "user", "password", "database"] as const;
const OPTIONS = new Set<string>([
  ...SERVER_FIELDS,
  "url",
  "tls",
  "schema",
  "connections",
  "commandTimeoutMs",
  "connectTimeoutMs",
]);
const ALLOWED = "must be like postgres://user[:password]@host[:port]/database";
const DEFAULT_PORT = 5_432;
/** Written into the session's settings: nothing in it needs a quote or a backslash. */
const SCHEMA_PATTERN = /^[a-z_][a-z0-9_]{0,62}$/;

export function resolvePostgresOptions(given: PostgresOptions): ResolvedPostgresOptions {
  if (typeof given !== "object" || given === null)
    throw new ConfigError("postgres", `needs options, at least { url }, not ${describe(given)}`);
  refuseUnknown(given, OPTIONS, (key) => `postgres.${key}`);
  const server = given.url === undefined ? serverOfFields(given) : parseUrl(given.url);
  if (given.url !== undefined)
    for (const field of SERVER_FIELDS)
      if (given[field] !== undefined)
        throw new ConfigError(`postgres.${field}`, "is in the url already; give one or the other");
  const { secure, ...rest } = server;
  const { schema = "tenure" } = given;
  if (typeof schema !== "string" || !SCHEMA_PATTERN.test(schema) || schema.startsWith("pg_"))
    throw new ConfigError(
      "postgres.schema",
      `must match [a-z_][a-z0-9_]{0,62} and not begin with pg_, not ${describe(schema)}`,
    );
  return {
    ...rest,
    tls: tlsOf(given.tls, secure),
    schema,
    connections: count("postgres.connections", given.connections ?? 4, 1, 100),
    commandTimeoutMs: optionalMs("postgres.commandTimeoutMs", given.commandTimeoutMs),
    connectTimeoutMs: optionalMs("postgres.connectTimeoutMs", given.connectTimeoutMs),
  };
}

type Server = Pick<
  ResolvedPostgresOptions,
  "host" | "port" | "user" | "password" | "database" | "address"
> & { readonly secure: boolean };

function serverOfFields(given: PostgresOptions): Server {
  if (given.host === undefined) throw new ConfigError("postgres.url", `is missing; it ${ALLOWED}`);
  const host = name("postgres.host", given.host);
  const user = name("postgres.user", given.user);
  const { password } = given;
  if (password !== undefined && typeof password !== "string")
    throw new ConfigError("postgres.password", "must be a string");
  const port = count("postgres.port", given.port ?? DEFAULT_PORT, 1, 65_535);
  const database = given.database === undefined ? user : name("postgres.database", given.database);
  return { host, port, user, password, database, address: `${host}:${port}`, secure: false };
}

function parseUrl(text: unknown): Server {
  const refuse = (problem: string): ConfigError =>
    new ConfigError("postgres.url", `${problem}; it ${ALLOWED}`);
  if (typeof text !== "string") throw refuse(`${describe(text)} is not a URL`);
  const shown = hideUser(text);
  if (/^[a-z]+:\/\/[^/?#]*,/i.test(text.replace(/\/\/.*@/s, "//")))
    throw refuse(`${shown} names several servers; name the one address that leads to the primary`);
  if (!URL.canParse(text)) throw refuse(`${shown} is not a URL`);
  const url = new URL(text);
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:")
    throw refuse(`${shown} is not a PostgreSQL URL`);
  if (url.hostname === "") throw refuse(`${shown} names no host`);
  if (url.username === "") throw refuse(`${shown} names no user`);
  if (url.port === "0") throw refuse(`${shown} has port 0`);
  try {
    const user = decodeURIComponent(url.username);
    const database = decodeURIComponent(url.pathname.slice(1));
    const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
    return {
      // The brackets of an IPv6 host belong to the URL and not to the host.
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port,
      user,
      password: url.password === "" ? undefined : decodeURIComponent(url.password),
      database: database === "" ? user : database,
      address: `${url.hostname}:${port}`,
      secure: asksForTls(url, (problem) => refuse(`${shown} ${problem}`)),
    };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw refuse(`${shown} has a part that is not percent-encoded`);
  }
}

/** What others call `require` checks no certificate; here TLS always does, unless the `tls` option says otherwise. */
function asksForTls(url: URL, refuse: (problem: string) => ConfigError): boolean {
  if (url.hash !== "") throw refuse("has a fragment, which means nothing here");
  for (const key of url.searchParams.keys())
    if (key !== "sslmode") throw refuse(`has the parameter ${key}, which means nothing here`);
  const mode = url.searchParams.get("sslmode") ?? "disable";
  if (mode !== "disable" && mode !== "verify-full")
    throw refuse(`has sslmode=${mode}; only verify-full and disable are known, and the option tls`);
  return mode === "verify-full";
}

function tlsOf(tls: unknown, secure: boolean): TlsOptions | undefined {
  if (tls === undefined) return secure ? {} : undefined;
  if (tls === true) return {};
  if (typeof tls !== "object" || tls === null)
    throw new ConfigError("postgres.tls", `must be true or TLS settings, not ${describe(tls)}`);
  return tls;
}

/** PO1: the URL as a message may show it. */
function hideUser(url: string): string {
  return describe(url.replace(/^([^:/]*:?\/\/)?.*@/s, "$1…@"));
}

function name(option: string, value: unknown): string {
  if (typeof value !== "string" || value === "")
    throw new ConfigError(option, `must be a non-empty string, not ${describe(value)}`);
  return value;
}

function count(option: string, value: unknown, least: number, most: number): number {
  if (!Number.isInteger(value) || Number(value) < least || Number(value) > most)
    throw new ConfigError(
      option,
      `must be a whole number from ${least} to ${most}, not ${describe(value)}`,
    );
  return Number(value);
}

function optionalMs(option: string, value: Duration | undefined): number | undefined {
  return value === undefined ? undefined : Math.ceil(durationMs(option, value));
}
