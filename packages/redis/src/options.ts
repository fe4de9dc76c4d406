// The options of redis(): checked before any connection, and only once.
//   RO1. A URL that cannot work is refused with what is wrong and what is allowed; a password is never repeated.
//   RO2. The client library sees checked fields, never the URL: it would take settings of its own from a query string.
import type { ConnectionOptions as TlsOptions } from "node:tls";
import {
  ConfigError,
  describe,
  type Duration,
  durationMs,
  refuseUnknown,
} from "@tenure/core/internal";

/** Options of `redis()`. */
export interface RedisOptions {
  /**
   * The primary: `redis://[[user]:password@]host[:port][/db]`, or `rediss://…` for TLS. Parts of user and password that
   * mean something in a URL are percent-encoded.
   */
  readonly url: string;
  /** Further TLS settings, such as the authority of a private certificate; only with `rediss://`. */
  readonly tls?: TlsOptions | undefined;
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

export interface ResolvedRedisOptions {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Present for TLS. */
  readonly tls: TlsOptions | undefined;
  /** What messages call the server: host and port, without user or password. */
  readonly address: string;
  readonly commandTimeoutMs: number | undefined;
  readonly connectTimeoutMs: number | undefined;
}

const OPTIONS = new Set(["url", "tls", "commandTimeoutMs", "connectTimeoutMs"]);
const ALLOWED = "must be like redis://[[user]:password@]host[:port][/db], or rediss:// for TLS";
const DEFAULT_PORT = 6_379;

export function resolveRedisOptions(given: RedisOptions): ResolvedRedisOptions {
  if (typeof given !== "object" || given === null)
    throw new ConfigError("redis", `needs options, at least { url }, not ${describe(given)}`);
  refuseUnknown(given, OPTIONS, (key) => `redis.${key}`);
  const server = parseUrl(given.url);
  if (given.tls !== undefined && !server.secure)
    throw new ConfigError("redis.tls", `needs a rediss:// url, not ${hideUser(given.url)}`);
  const { secure, ...rest } = server;
  return {
    ...rest,
    tls: secure ? (given.tls ?? {}) : undefined,
    commandTimeoutMs: optionalMs("redis.commandTimeoutMs", given.commandTimeoutMs),
    connectTimeoutMs: optionalMs("redis.connectTimeoutMs", given.connectTimeoutMs),
  };
}

type Server = Pick<
  ResolvedRedisOptions,
  "host" | "port" | "db" | "username" | "password" | "address"
> & { readonly secure: boolean };

function parseUrl(text: unknown): Server {
  const refuse = (problem: string): ConfigError =>
    new ConfigError("redis.url", `${problem}; it ${ALLOWED}`);
  if (typeof text !== "string") throw refuse(`${describe(text)} is not a URL`);
  const shown = hideUser(text);
  if (isClusterUrl(text)) throw refuse(`${shown} names a Redis cluster, ${NO_CLUSTER}`);
  if (!URL.canParse(text)) throw refuse(`${shown} is not a URL`);
  const url = new URL(text);
  if (url.protocol !== "redis:" && url.protocol !== "rediss:")
    throw refuse(`${shown} is not a Redis URL`);
  if (url.hostname === "") throw refuse(`${shown} names no host`);
  if (url.search !== "" || url.hash !== "")
    throw refuse(`${shown} has a query or a fragment, which mean nothing here`);
  const db = /^\/?(\d{0,5})$/.exec(url.pathname);
  if (!db) throw refuse(`${shown} has a path that is not the number of a database`);
  // The brackets of an IPv6 host belong to the URL and not to the host.
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  if (port === 0) throw refuse(`${shown} has port 0`);
  try {
    return {
      host,
      port,
      db: Number(db[1]),
      username: url.username === "" ? undefined : decodeURIComponent(url.username),
      password: url.password === "" ? undefined : decodeURIComponent(url.password),
      address: `${url.hostname}:${port}`,
      secure: url.protocol === "rediss:",
    };
  } catch {
    throw refuse(`${shown} has a user or password that is not percent-encoded`);
  }
}

/** Why a cluster will not do, and what will: ends a sentence that names one. */
export const NO_CLUSTER =
  "where one step cannot see a claim's claimant, counter and entry together; name a primary that is not in cluster mode";

function isClusterUrl(text: string): boolean {
  const [scheme = "", rest = ""] = text.split("://", 2);
  const authority = rest.split(/[/?#]/, 1)[0]!;
  return (
    /^rediss?[+-]cluster$/i.test(scheme) ||
    (/^rediss?$/i.test(scheme) && authority.slice(authority.lastIndexOf("@") + 1).includes(","))
  );
}

/** RO1: the URL as a message may show it. */
function hideUser(url: string): string {
  return describe(url.replace(/^([^:/]*:?\/\/)?.*@/s, "$1…@"));
}

function optionalMs(option: string, value: Duration | undefined): number | undefined {
  return value === undefined ? undefined : Math.ceil(durationMs(option, value));
}
