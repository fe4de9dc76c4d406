// A client of its own: a transport, an endpoint with a random address, and an invoker.
import {
  type Actor,
  type ActorClass,
  type ActorRef,
  type Address,
  type Clock,
  CLUSTER_PATTERN,
  ConfigError,
  describe,
  type Duration,
  durationMs,
  EventStream,
  interceptorList,
  type Interceptor,
  type Interceptors,
  type Message,
  newIncarnation,
  type Random,
  refuseUnknown,
  resolveInterceptors,
  systemClock,
  systemRandom,
  type TenureEvent,
  type TransportProvider,
} from "@tenure/core/internal";
import { ANY_SILO, type Endpoint } from "@tenure/core/internal";
import { type ActorClient, referenceTo } from "./client.ts";
import { type CallCounters, Invoker } from "./invoker.ts";
import { RemoteLocator } from "./remote-locator.ts";
import { type CallRules, callRules } from "./retry-policy.ts";
import { Suspicions } from "./suspicions.ts";

export interface ConnectOptions {
  /** @default 'default' */
  readonly cluster?: string | undefined;
  /** What the silos of the cluster use, for example `...nats({ servers })`. */
  readonly transport: TransportProvider;
  /** How long a call waits when neither it nor its method names a time. @default 10_000 */
  readonly callTimeoutMs?: Duration | undefined;
  readonly onEvent?: ((event: TenureEvent) => void) | undefined;
  /** Around every call of this client, before it is sent: the first is outermost. A client takes no calls. */
  readonly interceptors?: Pick<Interceptors, "outgoing"> | undefined;
  /** Ignored here: spreading a vendor's function may bring them. */
  readonly directory?: unknown;
  readonly storage?: unknown;
}

/** A connection to a cluster from outside of its silos. */
export interface Client extends ActorClient, AsyncDisposable {
  /** Fails what is still waiting, and closes the connection. */
  close(): Promise<void>;
}

/** What tests and tools look at, and applications must not. */
export interface ClientInternals {
  readonly calls: CallCounters;
}

export const CLIENT_INTERNALS: unique symbol = Symbol("tenure.client.internals");

/** Time and chance, which tests replace. */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  /** Decisions that a simulation puts in place of the shipped ones. */
  readonly rules?: CallRules | undefined;
}

const OPTIONS = new Set([
  "cluster",
  "transport",
  "callTimeoutMs",
  "onEvent",
  "interceptors",
  "directory",
  "storage",
]);
/** A client does not know the silos' lease; this is their default. */
const LEASE_TTL_MS = 4_000;
const OPEN_TIMEOUT_MS = 8_000;

/**
 * Connects to a cluster. Needs the transport only.
 * @throws ConfigError for a wrong option, UnreachableError (naming the address) when no server answers within 8 s.
 * @example const client = await connect({ cluster: 'shop', ...nats({ servers: 'nats://localhost:4222' }) })
 */
export async function connect(
  options: ConnectOptions,
  platform: Platform = { clock: systemClock(), random: systemRandom() },
): Promise<Client> {
  const { cluster, callTimeoutMs, interceptors } = resolveConnectOptions(options);
  const { clock, random } = platform;
  const events = new EventStream("", () => clock.wallMs());
  if (options.onEvent) events.subscribe(options.onEvent);
  const transport = await options.transport.open({
    cluster,
    clock,
    random,
    emit: events.emit,
    leaseTtlMs: LEASE_TTL_MS,
    openTimeoutMs: OPEN_TIMEOUT_MS,
    durability: "default",
  });
  const address = newIncarnation(random);
  const locator = new RemoteLocator(clock, random, () => endpoint);
  const invoker = new Invoker({
    clock,
    random,
    locator,
    callTimeoutMs,
    rules: platform.rules ?? callRules,
    emit: events.emit,
    interceptors,
  });
  const endpoint: Endpoint = await transport
    .join(address, {
      message: (from, message) => receive(from, message, invoker, locator),
      undeliverable: (to, tag) => {
        if (to === ANY_SILO) locator.undeliverable(to, tag);
        else invoker.undeliverable(to, tag);
      },
      disconnected: () => {
        locator.disconnected();
        invoker.disconnected();
      },
      reconnected: () => undefined,
    })
    .catch(async (error: unknown) => {
      await transport.close();
      throw error;
    });
  invoker.attach({ address, endpoint, local: undefined });
  const suspicions = new Suspicions(clock, {
    waitingSince: (beforeMs) => invoker.waitingSince(beforeMs),
    ask: (silo) => void endpoint.send(ANY_SILO, { kind: "suspect", incarnation: silo }),
  });
  const close = async (): Promise<void> => {
    suspicions.stop();
    invoker.close();
    locator.disconnected();
    await endpoint.close();
    await transport.close();
  };
  const client: Client & { readonly [CLIENT_INTERNALS]: ClientInternals } = {
    get: <A extends Actor<unknown>>(actor: ActorClass<A> | string, id: string): ActorRef<A> =>
      referenceTo(actor, id, invoker),
    close,
    [Symbol.asyncDispose]: close,
    get [CLIENT_INTERNALS]() {
      return { calls: invoker.counters };
    },
  };
  return client;
}

function receive(from: Address, message: Message, invoker: Invoker, locator: RemoteLocator): void {
  switch (message.kind) {
    case "reply":
      invoker.reply(message, from);
      return;
    case "located":
      locator.located(message);
      return;
    case "death":
      invoker.siloDied(message.incarnation);
      return;
    default:
    // A client takes no calls, probes nothing and locates for nobody.
  }
}

function resolveConnectOptions(options: ConnectOptions): {
  readonly cluster: string;
  readonly callTimeoutMs: number;
  readonly interceptors: readonly Interceptor[] | undefined;
} {
  if (typeof options !== "object" || options === null)
    throw new ConfigError("connect", "takes an object of options with at least a transport");
  refuseUnknown(options, OPTIONS, (key) => key);
  const cluster: unknown = options.cluster ?? "default";
  if (typeof cluster !== "string" || !CLUSTER_PATTERN.test(cluster))
    throw new ConfigError(
      "cluster",
      `must match ${CLUSTER_PATTERN.source}, not ${describe(cluster)}`,
    );
  if (typeof options.transport?.open !== "function")
    throw new ConfigError(
      "transport",
      "is missing; spread a vendor's function, for example ...nats({ servers })",
    );
  const { onEvent } = options;
  if (onEvent !== undefined && typeof onEvent !== "function")
    throw new ConfigError("onEvent", `must be a function, not ${describe(onEvent)}`);
  const { incoming, outgoing } = resolveInterceptors("interceptors", options.interceptors);
  if (incoming.length > 0)
    throw new ConfigError("interceptors.incoming", "a client takes no calls; there are outgoing");
  return {
    cluster,
    callTimeoutMs: durationMs("callTimeoutMs", options.callTimeoutMs ?? 10_000),
    interceptors: interceptorList(outgoing, []),
  };
}
