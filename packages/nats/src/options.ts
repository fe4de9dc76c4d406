// The options of nats(), checked when it is called: before any connection is opened.
//   O1. An unknown option or a value of the wrong type is a ConfigError that names the option.
//   O2. Credentials never appear in an error, an event or an address: a URL is shown without them.
import { ConfigError, describe, refuseUnknown } from "@tenure/core/internal";
import {
  loadConnect,
  type NatsAuthenticator,
  type NatsConnect,
  type NatsTlsOptions,
} from "./client-library.ts";

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
}

export interface ResolvedNatsOptions {
  readonly servers: readonly string[];
  /** The servers as a message may show them (O2). */
  readonly shownServers: string;
  readonly name: string | undefined;
  /** What is handed to the library as it is. */
  readonly passthrough: Pick<NatsOptions, "user" | "pass" | "token" | "tls" | "authenticator">;
  readonly loadConnect: () => Promise<NatsConnect>;
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
]);

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
