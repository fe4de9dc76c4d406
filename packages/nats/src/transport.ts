// The transport port over one NATS connection, which all endpoints share.
import {
  type Address,
  type Endpoint,
  type PortEnvironment,
  type Receiver,
  type Transport,
  UnreachableError,
} from "@tenure/core/internal";
import type { Connection } from "./connection.ts";
import { NatsEndpoint } from "./endpoint.ts";
import { describeNatsError } from "./errors.ts";
import { openConnection } from "./open.ts";
import type { ResolvedNatsOptions } from "./options.ts";

export async function openTransport(
  options: ResolvedNatsOptions,
  environment: PortEnvironment,
): Promise<Transport> {
  const connection = await openConnection(options, environment);
  return new NatsTransport(connection, environment, options.shownServers);
}

class NatsTransport implements Transport {
  readonly #connection: Connection;
  readonly #environment: PortEnvironment;
  readonly #shownServers: string;
  readonly #endpoints = new Set<NatsEndpoint>();

  constructor(connection: Connection, environment: PortEnvironment, shownServers: string) {
    this.#connection = connection;
    this.#environment = environment;
    this.#shownServers = shownServers;
    connection.watch({
      disconnected: () => this.#each((endpoint) => endpoint.disconnected()),
      reconnected: () => this.#each((endpoint) => endpoint.reconnected()),
    });
  }

  async join(address: Address, receiver: Receiver): Promise<Endpoint> {
    const endpoint = new NatsEndpoint(
      address,
      receiver,
      this.#connection,
      this.#environment,
      (gone) => this.#endpoints.delete(gone),
    );
    this.#endpoints.add(endpoint);
    try {
      await endpoint.listen();
      return endpoint;
    } catch (error) {
      endpoint.drop();
      if (error instanceof UnreachableError) throw error;
      const why = new Error(describeNatsError(error), { cause: error });
      throw new UnreachableError("a subject of NATS", this.#shownServers, why);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#endpoints].map((endpoint) => endpoint.close()));
    await this.#connection.close();
  }

  // A receiver that fails must not keep the loss from the others.
  #each(tell: (endpoint: NatsEndpoint) => void): void {
    for (const endpoint of this.#endpoints) {
      try {
        tell(endpoint);
      } catch (error) {
        this.#connection.report("nats status", error);
      }
    }
  }
}
