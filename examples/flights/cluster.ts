// Three silo processes, a nats-server and a redis-server, all private to this run and on loopback.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import { connect, createSilo } from "tenure";
import { ensureServers } from "../../scripts/servers.mjs";
import { startNatsServer, startRedisServer } from "../support/private-servers.ts";
import { Airport } from "./airport.ts";
import type { Fleet, Sabotage } from "./fleet.ts";

const CLUSTER = "flights";

export async function clusterFleet(sabotage: Sabotage): Promise<Fleet> {
  await ensureServers();
  const [natsServer, redisServer] = await Promise.all([startNatsServer(), startRedisServer()]);
  const environment = {
    ...process.env,
    NATS_URL: natsServer.url,
    REDIS_URL: redisServer.url,
    SABOTAGE: sabotage ?? "",
  };
  const processes = new Map<string, ChildProcess>();
  const start = async (name: string): Promise<void> => {
    const child = fork(fileURLToPath(new URL("silo-process.ts", import.meta.url)), [name], {
      execArgv: ["--import", "tsx"],
      env: environment,
    });
    processes.set(name, child);
    const [message] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [
      unknown,
    ];
    if (message !== "serving") throw new Error(`silo ${name} did not start`);
  };
  const end = async (name: string, signal: NodeJS.Signals): Promise<void> => {
    const child = processes.get(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  };
  await Promise.all(["north", "south", "west"].map(start));
  const client = await connect({
    cluster: CLUSTER,
    ...nats({ servers: natsServer.url }),
    onEvent: () => undefined,
  });
  const stopSilos = async (): Promise<void> => {
    await Promise.all([...processes.keys()].map((name) => end(name, "SIGTERM")));
  };
  return {
    title: `three silo processes, NATS at ${natsServer.url}, Redis at ${redisServer.url}`,
    silos: [...processes.keys()],
    client,
    crashing: "killed with SIGKILL",
    crash: (name) => void end(name, "SIGKILL"),
    draining: "drained with SIGTERM",
    drain: (name) => end(name, "SIGTERM"),
    stopSilos,
    restart: async () => {
      const fresh = await createSilo({
        name: "auditor",
        cluster: CLUSTER,
        actors: [Airport],
        ...nats({ servers: natsServer.url }),
        ...redis({ url: redisServer.url }),
        onEvent: () => undefined,
      });
      return { client: fresh.client, stop: () => fresh.stop() };
    },
    dispose: async () => {
      await client.close();
      await stopSilos();
      await Promise.all([natsServer.stop(), redisServer.stop()]);
    },
  };
}
