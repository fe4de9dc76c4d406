// The options of nats(), checked when it is called: before any connection is opened.
//   O1. An unknown option or a value of the wrong type is a ConfigError that names the option.
//   O2. Credentials never appear in an error, an event or an address: a URL is shown without them.
import {
  ConfigError,
  describe,
  type Duration,
  durationMs,
  refuseUnknown,
} from "@tenure/core/internal";
import {
  loadConnect,
  type NatsAuthenticator,
  type NatsConnect,
  type NatsTlsOptions,
} from "./client-library.ts";
import type { JetStreamSettings } from "./jetstream/stream-config.ts";

export interface NatsOptions {
  /** One or more servers: `"nats://host:4222"`, `"host:4222"`. */
  readonly servers: string | readonly string[];
  /** The connection's name in the server's monitoring. @default "tenure-<cluster>" */
  readonly name?: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  readonly tls?: NatsTlsOptions;
  /** Of the client library: `credsAuthenticator(…)`, `nkeyAuthenticator(…)`, `jwtAuthenticator(…)`. */
  readonly authenticator?: NatsAuthenticator;
  /**
   * The `connect` function of `nats` 2.29 or of `@nats-io/transport-node` 3.4.
   * @default that of the first of the two that is installed, in this order
   */
  readonly connect?: NatsConnect;
  /** For the directory and the storage; the transport needs no JetStream. */
  readonly jetstream?: JetStreamOptions;
}

export interface JetStreamOptions {
  /**
   * Servers that hold a copy of each record. More than one needs nats-server 2.11 or newer.
   * @default 1 for a stream that is not there yet; of one that is, what it has
   */
  readonly replicas?: number;
  /**
   * You state that every server has `jetstream { sync_interval: always }`, which a server does not tell. Needed for
   * `durability: 'strict'`.
   * @default false
   */
  readonly syncAlways?: boolean;
  /**
   * How long an operation may go unanswered before it is given up, undecided. At most the lease's time to live.
   * @default half of leaseTtlMs
   */
  readonly commandTimeoutMs?: Duration;
}

export interface ResolvedNatsOptions {
  readonly servers: readonly string[];
  /** The servers as a message may show them (O2). */
  readonly shownServers: string;
  readonly name: string | undefined;
  /** What is handed to the library as it is. */
  readonly passthrough: Pick<NatsOptions, "user" | "pass" | "token" | "tls" | "authenticator">;
  readonly loadConnect: () => Promise<NatsConnect>;
  readonly jetstream: JetStreamSettings & { readonly commandTimeoutMs: number | undefined };
}

const KNOWN: ReadonlySet<string> = new Set([
  "servers",
  "name",
  "user",
  "pass",
  "token",
  "tls",
  "authenticator",
  "connect",
  "jetstream",
]);
const JETSTREAM: ReadonlySet<string> = new Set(["replicas", "syncAlways", "commandTimeoutMs"]);
const MAX_REPLICAS = 5;

export function resolveNatsOptions(options: NatsOptions): ResolvedNatsOptions {
  if (typeof options !== "object" || options === null)
    throw new ConfigError("nats", `needs options, like { servers: "nats://127.0.0.1:4222" }`);
  refuseUnknown(options, KNOWN, (key) => `nats.${key}`);
  const servers = resolveServers(options.servers);
  for (const option of ["name", "user", "pass", "token"] as const)
    expectType(option, options[option], "string");
  expectType("tls", options.tls, "object");
  expectType("authenticator", options.authenticator, "function");
  expectType("connect", options.connect, "function");
  if (options.pass !== undefined && options.user === undefined)
    throw new ConfigError("nats.pass", "needs nats.user");
  if (options.token !== undefined && options.user !== undefined)
    throw new ConfigError("nats.token", "excludes nats.user: a server asks for one of the two");
  const { user, pass, token, tls, authenticator, connect } = options;
  return {
    servers,
    shownServers: servers.map(withoutCredentials).join(", "),
    name: options.name,
    passthrough: {
      ...(user === undefined ? {} : { user }),
      ...(pass === undefined ? {} : { pass }),
      ...(token === undefined ? {} : { token }),
      ...(tls === undefined ? {} : { tls }),
      ...(authenticator === undefined ? {} : { authenticator }),
    },
    loadConnect: connect ? () => Promise.resolve(connect) : () => loadConnect(),
    jetstream: resolveJetStream(options.jetstream ?? {}),
  };
}

function resolveJetStream(given: unknown): ResolvedNatsOptions["jetstream"] {
  if (typeof given !== "object" || given === null)
    throw new ConfigError("nats.jetstream", `must be an object, not ${describe(given)}`);
  refuseUnknown(given, JETSTREAM, (key) => `nats.jetstream.${key}`);
  const { replicas, syncAlways = false, commandTimeoutMs } = given as JetStreamOptions;
  if (
    replicas !== undefined &&
    !(Number.isInteger(replicas) && replicas >= 1 && replicas <= MAX_REPLICAS)
  )
    throw new ConfigError(
      "nats.jetstream.replicas",
      `must be a whole number from 1 to ${MAX_REPLICAS}, not ${describe(replicas)}`,
    );
  if (typeof syncAlways !== "boolean")
    throw new ConfigError(
      "nats.jetstream.syncAlways",
      `must be true or false, not ${describe(syncAlways)}`,
    );
  return {
    replicas,
    syncAlways,
    commandTimeoutMs:
      commandTimeoutMs === undefined
        ? undefined
        : Math.ceil(durationMs("nats.jetstream.commandTimeoutMs", commandTimeoutMs)),
  };
}

function resolveServers(given: unknown): readonly string[] {
  const servers: readonly unknown[] = Array.isArray(given) ? given : [given];
  const bad = servers.find((server) => typeof server !== "string" || !/^\S+$/.test(server));
  if (servers.length === 0 || servers.includes(undefined) || bad !== undefined)
    throw new ConfigError(
      "nats.servers",
      `must be an address like "nats://127.0.0.1:4222" or a list of them, not ${describe(bad ?? given)}`,
    );
  return servers as readonly string[];
}

function expectType(option: string, value: unknown, type: "string" | "object" | "function"): void {
  if (value === undefined || (typeof value === type && value !== null)) return;
  // The value is not shown: it may be a secret (O2).
  throw new ConfigError(`nats.${option}`, `must be ${type === "object" ? "an" : "a"} ${type}`);
}

/** `nats://user:pass@host:4222` as `nats://host:4222`. */
export function withoutCredentials(server: string): string {
  return server.replace(/^([a-z]+:\/\/)?[^@/]*@/i, "$1");
}
