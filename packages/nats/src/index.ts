// For applications: `nats({ servers })`, everything of Tenure that runs over one NATS connection.
import type { TransportProvider } from "@tenure/core/internal";
import { type NatsOptions, resolveNatsOptions } from "./options.ts";
import { openTransport } from "./transport.ts";

export type { NatsOptions } from "./options.ts";
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
}

/**
 * Tenure over NATS. Checks its options at once and connects only when a silo or a client opens it; each of these has a
 * TCP connection of its own, which reconnects for ever. Needs nats-server 2.2 or newer, and the npm package `nats` or
 * `@nats-io/transport-node`.
 * @example
 * createSilo({ transport: nats({ servers: "nats://10.0.0.5:4222" }).transport, … })
 */
export function nats(options: NatsOptions): NatsBackend {
  const resolved = resolveNatsOptions(options);
  return {
    transport: { name: "nats", open: (environment) => openTransport(resolved, environment) },
  };
}
