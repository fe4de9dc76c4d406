// Silo processes over private servers, for tests with real processes, real signals and real stores.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { connect, createSilo, type Client, type Silo, type TenureEvent } from "tenure";
import {
  type PrivateServer,
  startNatsServer,
  startRedisServer,
} from "../../examples/support/private-servers.ts";
import { Ledger } from "./ledger.ts";

const CLUSTER = "torture";

type Report = {
  readonly serving?: true;
  readonly event?: TenureEvent;
  readonly begun?: string;
  readonly held?: "save" | "renewal";
};

/** A silo process. Reports are kept from its start, so that waiting for one is never too late. */
export class SiloProcess {
  readonly name: string;
  readonly child: ChildProcess;
  readonly #reports: Report[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(name: string, environment: NodeJS.ProcessEnv) {
    this.name = name;
    this.child = fork(fileURLToPath(new URL("silo-process.ts", import.meta.url)), [name], {
      execArgv: ["--import", "tsx"],
      env: environment,
    });
    this.child.on("message", (message: Report) => {
      this.#reports.push(message);
      for (const wake of this.#waiting) wake();
    });
  }

  async serving(): Promise<void> {
    await Promise.race([
      this.report((report) => report.serving === true),
      once(this.child, "exit").then(([code]) => {
        throw new Error(`silo ${this.name} ended with ${String(code)} before it served`);
      }),
    ]);
  }

  /** The first report, past or future, that `accept` accepts. */
  async report(accept: (report: Report) => boolean): Promise<Report> {
    for (;;) {
      const found = this.#reports.find(accept);
      if (found) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  async event<T extends TenureEvent["type"]>(type: T): Promise<TenureEvent<T>> {
    const { event } = await this.report((report) => report.event?.type === type);
    return event as TenureEvent<T>;
  }

  tell(message: object): void {
    this.child.send(message);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill(signal);
    await ended;
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

export async function startFleet(names: readonly string[]): Promise<SiloFleet> {
  const [natsServer, redisServer] = await Promise.all([startNatsServer(), startRedisServer()]);
  const environment = {
    ...process.env,
    CLUSTER,
    NATS_URL: natsServer.url,
    REDIS_URL: redisServer.url,
  };
  const silos = new Map<string, SiloProcess>();
  const start = async (name: string): Promise<SiloProcess> => {
    const silo = new SiloProcess(name, environment);
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
    redis: redisServer,
    silos,
    client,
    start,
    auditor: () =>
      createSilo({
        name: "auditor",
        cluster: CLUSTER,
        actors: [Ledger],
        ...nats({ servers: natsServer.url }),
        ...redis({ url: redisServer.url }),
        onEvent: () => undefined,
      }),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await Promise.all([...silos.values()].map((silo) => silo.end("SIGKILL")));
      await Promise.all([natsServer.stop(), redisServer.stop()]);
    },
  };
}
