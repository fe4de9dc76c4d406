// What we use of a NATS client library: the part in which `nats` 2.29 and `@nats-io/transport-node` 3.4 agree.
// `client-library.test.ts` holds both to it at compile time.
import { ConfigError } from "@tenure/core/internal";

export interface NatsMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: { readonly code: number } | undefined;
}

/** The headers of a message that is sent, with all that both libraries ask of them; `headers.ts` has ours. */
export interface NatsHeaders extends Iterable<[string, string[]]> {
  hasError: boolean;
  status: string;
  code: number;
  description: string;
  get(name: string): string;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  has(name: string): boolean;
  keys(): string[];
  values(name: string): string[];
  delete(name: string): void;
  last(name: string): string;
}

export interface NatsServerInfo {
  readonly max_payload: number;
  readonly headers?: boolean;
  readonly version: string;
}

export interface NatsSubscription {
  unsubscribe(): void;
  drain(): Promise<void>;
}

/** `nats` has `data`, `@nats-io` a field per type. */
export interface NatsStatus {
  readonly type: string;
  readonly data?: unknown;
  readonly error?: unknown;
}

export interface NatsConnection {
  /** What the server said about itself; undefined while there is no connection. */
  readonly info?: NatsServerInfo | undefined;
  publish(
    subject: string,
    payload: Uint8Array,
    options?: { reply?: string; headers?: NatsHeaders },
  ): void;
  subscribe(
    subject: string,
    options: { queue?: string; callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  flush(): Promise<void>;
  status(): AsyncIterable<NatsStatus>;
  closed(): Promise<void | Error>;
  close(): Promise<void>;
}

/** Certificates for TLS, as files or as PEM text. */
export interface NatsTlsOptions {
  readonly handshakeFirst?: boolean;
  readonly certFile?: string;
  readonly cert?: string;
  readonly caFile?: string;
  readonly ca?: string;
  readonly keyFile?: string;
  readonly key?: string;
}

/** What both libraries call an authenticator. */
export type NatsAuthenticator = (nonce?: string) => NatsCredentials;

export type NatsCredentials =
  | void
  | { auth_token: string }
  | { user: string; pass?: string }
  | { nkey: string; sig: string }
  | { jwt: string; nkey?: string; sig?: string };

export interface NatsConnectOptions {
  servers: string[];
  name: string;
  timeout: number;
  reconnect: true;
  waitOnFirstConnect: false;
  maxReconnectAttempts: number;
  reconnectTimeWait: number;
  reconnectJitter: number;
  pingInterval: number;
  maxPingOut: number;
  noAsyncTraces: true;
  ignoreAuthErrorAbort: true;
  inboxPrefix: string;
  user?: string;
  pass?: string;
  token?: string;
  tls?: NatsTlsOptions;
  authenticator?: NatsAuthenticator;
}

export type NatsConnect = (options: NatsConnectOptions) => Promise<NatsConnection>;

type Importer = readonly [name: string, load: () => Promise<unknown>];

// Literal specifiers, so that bundlers see them.
const LIBRARIES: readonly Importer[] = [
  ["nats", () => import("nats")],
  ["@nats-io/transport-node", () => import("@nats-io/transport-node")],
];

/** The connect function of the first library that is installed. */
export async function loadConnect(
  libraries: readonly Importer[] = LIBRARIES,
): Promise<NatsConnect> {
  let missing: unknown;
  for (const [name, load] of libraries) {
    try {
      return connectOf(name, await load());
    } catch (error) {
      if (!isMissing(error, name)) throw error;
      missing = error;
    }
  }
  const names = libraries.map(([name]) => name);
  throw new ConfigError(
    "nats",
    `needs a NATS client library: install ${names.join(" or ")}, or pass its connect function as nats.connect`,
    {},
    missing,
  );
}

function connectOf(name: string, module: unknown): NatsConnect {
  // `nats` is CommonJS: where its exports are not found by name they are those of `default`.
  const { connect, default: whole } = module as { connect?: unknown; default?: unknown };
  const found = connect ?? (whole as { connect?: unknown } | undefined)?.connect;
  if (typeof found !== "function")
    throw new ConfigError("nats", `the installed package ${name} has no connect function`);
  return found as NatsConnect;
}

/** The package itself is not there; that one of its own dependencies is not would be another error. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === "ERR_MODULE_NOT_FOUND" && String(message).includes(`'${name}'`);
}
