// The three servers of a torture fleet, in this process's network or in a namespace of their own, behind one handle.
import {
  type PrivateServer,
  type PrivateServerOptions,
  startNatsServer,
  startRedisServer,
} from "../../examples/support/private-servers.ts";
import { ForkedProcess } from "../support/forked-process.ts";
import type { ServerName } from "./schedule.ts";

/** What can be done to a server. `kill` and `restart` keep its data, `empty` starts it again without. */
export type ServerAct = "kill" | "restart" | "freeze" | "thaw" | "empty" | "stop";

export interface ServerHandle {
  readonly url: string;
  readonly port: number;
  act(what: ServerAct): Promise<void>;
}

export function startServer(
  name: ServerName,
  options: PrivateServerOptions = {},
): Promise<PrivateServer> {
  return name === "nats" ? startNatsServer(options) : startRedisServer(options);
}

export async function actOn(server: PrivateServer, what: ServerAct): Promise<void> {
  switch (what) {
    case "kill":
      return await server.kill();
    case "restart":
      return await server.restart();
    case "freeze":
      return server.freeze();
    case "thaw":
      return server.thaw();
    case "empty":
      await server.stop();
      return await server.restart();
    case "stop":
      return await server.stop();
  }
}

export async function startHere(name: ServerName): Promise<ServerHandle> {
  const server = await startServer(name);
  return { url: server.url, port: server.port, act: (what) => actOn(server, what) };
}

export type ServerReport =
  | { readonly listening: number }
  | { readonly done: number }
  | { readonly failed: string };

/** The same in a process that runs through `through`, where it has this address. */
export async function startThere(
  name: ServerName,
  through: readonly string[],
  address: string,
): Promise<ServerHandle> {
  const script = new URL("server-process.ts", import.meta.url);
  const host = new ForkedProcess<ServerReport>(script, { args: [name, address], through });
  const answer = async (accept: (report: ServerReport) => boolean): Promise<ServerReport> => {
    const report = await host.reportOrEnd((each) => accept(each) || "failed" in each);
    if (!report || "failed" in report)
      throw new Error(`${name} at ${address}: ${report?.failed ?? host.ending}`);
    return report;
  };
  const port = ((await answer((report) => "listening" in report)) as { listening: number })
    .listening;
  let acts = 0;
  return {
    port,
    url: `${name === "nats" ? "nats" : "redis"}://${address}:${port}`,
    act: async (what) => {
      const number = ++acts;
      host.tell({ act: what, number });
      await answer((report) => "done" in report && report.done === number);
      if (what === "stop") await host.end("SIGTERM");
    },
  };
}
