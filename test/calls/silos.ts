// Three silo processes over private NATS and Redis servers, and a client of them.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { nats } from "@tenure/nats";
import { type Client, connect } from "tenure";
import { startNatsServer, startRedisServer } from "../../examples/support/private-servers.ts";

export const SILOS = ["one", "two", "three"] as const;

export interface CalledSilos extends AsyncDisposable {
  readonly client: Client;
  readonly otherClient: Client;
  /** Without a goodbye. */
  kill(name: (typeof SILOS)[number]): void;
  /** Resolves with the first message from any of them, past or future, that is accepted. */
  said<T>(accept: (message: unknown) => message is T): Promise<T>;
  /** Each of them on another silo than the one before, as `silo` tells it. */
  spread(
    name: string,
    count: number,
    silo: (id: string) => Promise<string>,
  ): Promise<readonly string[]>;
}

export async function startSilos(): Promise<CalledSilos> {
  const servers = await Promise.all([startNatsServer(), startRedisServer()]);
  const [natsServer, redisServer] = servers;
  const heard: unknown[] = [];
  const listeners = new Set<() => void>();
  const silos = SILOS.map((name) => start(name, natsServer.url, redisServer.url));
  for (const silo of silos)
    silo.on("message", (message) => {
      heard.push(message);
      for (const listener of listeners) listener();
    });
  await Promise.all(silos.map(async (silo) => await once(silo, "message")));
  const options = { cluster: "calls", ...nats({ servers: natsServer.url }) };
  const client = await connect(options);
  const otherClient = await connect(options);
  return {
    client,
    otherClient,
    kill: (name) => silos[SILOS.indexOf(name)]!.kill("SIGKILL"),
    said: (accept) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = heard.find(accept);
          if (found === undefined) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
      }),
    spread: async (name, count, silo) => {
      const chosen: string[] = [];
      for (let n = 0; chosen.length < count; n++) {
        const id = `${name}-${n}`;
        if ((await silo(id)) === SILOS[chosen.length % SILOS.length]) chosen.push(id);
      }
      return chosen;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([client.close(), otherClient.close()]);
      await Promise.all(
        silos.map(async (silo) => {
          if (silo.signalCode !== null) return;
          silo.disconnect();
          await once(silo, "exit");
        }),
      );
      for (const server of servers) await server[Symbol.asyncDispose]();
    },
  };
}

function start(name: string, natsUrl: string, redisUrl: string): ChildProcess {
  return fork(fileURLToPath(new URL("called-silo.ts", import.meta.url)), [name], {
    execArgv: ["--import", "tsx"],
    env: { ...process.env, NATS_URL: natsUrl, REDIS_URL: redisUrl },
  });
}
