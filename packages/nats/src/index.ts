// For applications: `nats({ servers })`, everything of Tenure that runs on NATS.
import type { DirectoryProvider, StorageProvider, TransportProvider } from "@tenure/core/internal";
import { type NatsOptions, resolveNatsOptions } from "./options.ts";
import { openJetStreamDirectory, openJetStreamStorage } from "./jetstream/stores.ts";
import { openTransport } from "./transport.ts";

export type { JetStreamOptions, NatsOptions } from "./options.ts";
export type {
  NatsAuthenticator,
  NatsConnect,
  NatsConnectOptions,
  NatsConnection,
  NatsCredentials,
  NatsMessage,
  NatsStatus,
  NatsSubscription,
  NatsTlsOptions,
} from "./client-library.ts";

export interface NatsBackend {
  readonly transport: TransportProvider;
  /** On JetStream. */
  readonly directory: DirectoryProvider;
  /** On JetStream. */
  readonly storage: StorageProvider;
}

/**
 * Tenure over NATS: the transport, and directory and storage on JetStream, so that a cluster needs one server. Spread it into
 * `createSilo`; other stores that are spread after it take the place of its own. Checks its options at once and connects only
 * when a silo or a client opens it; each of these has TCP connections of its own, which reconnect for ever. Needs nats-server
 * 2.2 or newer (for the stores 2.9, with JetStream), and the npm package `nats` or `@nats-io/transport-node`. Clients need no
 * JetStream.
 *
 * An acknowledged write survives a crash of nats-server. What a crash of its machine may lose is the server's `sync_interval`
 * (two minutes unless set); `createSilo({ durability: 'strict' })` asks for `jetstream: { syncAlways: true }`.
 * @example
 * const silo = await createSilo({ cluster: 'shop', actors: [Cart], ...nats({ servers: 'nats://10.0.0.5:4222' }) })
 */
export function nats(options: NatsOptions): NatsBackend {
  const resolved = resolveNatsOptions(options);
  return {
    transport: { name: "nats", open: (environment) => openTransport(resolved, environment) },
    directory: {
      name: "jetstream",
      open: (environment) => openJetStreamDirectory(resolved, environment),
    },
    storage: {
      name: "jetstream",
      open: (environment) => openJetStreamStorage(resolved, environment),
    },
  };
}
