// Silo processes over private servers, for tests with real processes, real signals and real stores.
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { connect, createSilo, type Client, type Silo, type TenureEvent } from "tenure";
import {
  type PrivateServer,
  startNatsServer,
  startRedisServer,
} from "../../examples/support/private-servers.ts";
import { type ForkOptions, ForkedProcess } from "./forked-process.ts";
import { Ledger } from "./ledger.ts";

const CLUSTER = "torture";

export type SiloReport = {
  readonly serving?: true;
  readonly event?: TenureEvent;
  readonly begun?: string;
  readonly held?: "save" | "renewal";
};

/** A silo process. */
export class SiloProcess extends ForkedProcess<SiloReport> {
  readonly name: string;

  constructor(name: string, options: Omit<ForkOptions, "args">) {
    super(new URL("silo-process.ts", import.meta.url), { ...options, args: [name] });
    this.name = name;
  }

  async serving(): Promise<void> {
    if (!(await this.reportOrEnd((report) => report.serving === true)))
      throw new Error(`silo ${this.name} ended with ${this.ending} before it served`);
  }

  async event<T extends TenureEvent["type"]>(type: T): Promise<TenureEvent<T>> {
    const { event } = await this.report((report) => report.event?.type === type);
    return event as TenureEvent<T>;
  }
}

export interface SiloFleet extends AsyncDisposable {
  readonly nats: PrivateServer;
  readonly redis: PrivateServer;
  readonly silos: ReadonlyMap<string, SiloProcess>;
  readonly client: Client;
  /** One more silo process. */
  start(name: string): Promise<SiloProcess>;
  /** A silo in this process over the same stores: reads what is stored. */
  auditor(): Promise<Silo>;
}

/** `natsAlone`: the stores are on the nats-server, and there is no Redis. */
export async function startFleet(
  names: readonly string[],
  { natsAlone = false }: { readonly natsAlone?: boolean } = {},
): Promise<SiloFleet> {
  const [natsServer, redisServer] = await Promise.all([
    startNatsServer(),
    natsAlone ? undefined : startRedisServer(),
  ]);
  const env = {
    ...process.env,
    CLUSTER,
    NATS_URL: natsServer.url,
    ...(redisServer && { REDIS_URL: redisServer.url }),
  };
  const silos = new Map<string, SiloProcess>();
  const start = async (name: string): Promise<SiloProcess> => {
    const silo = new SiloProcess(name, { env });
    silos.set(name, silo);
    await silo.serving();
    return silo;
  };
  await Promise.all(names.map(start));
  const client = await connect({
    cluster: CLUSTER,
    ...nats({ servers: natsServer.url }),
    onEvent: () => undefined,
  });
  return {
    nats: natsServer,
    get redis() {
      if (!redisServer) throw new Error("this fleet is on NATS alone");
      return redisServer;
    },
    silos,
    client,
    start,
    auditor: () =>
      createSilo({
        name: "auditor",
        cluster: CLUSTER,
        actors: [Ledger],
        ...nats({ servers: natsServer.url }),
        ...(redisServer && redis({ url: redisServer.url })),
        onEvent: () => undefined,
      }),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await Promise.all([...silos.values()].map((silo) => silo.end("SIGKILL")));
      await Promise.all([natsServer.stop(), redisServer?.stop()]);
    },
  };
}
