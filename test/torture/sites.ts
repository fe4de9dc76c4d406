// Where a fleet runs: how its processes reach the servers, and what can be broken in between.
import { NetworkNamespaces } from "./network-namespaces.ts";
import type { Fault, ServerName } from "./schedule.ts";
import { type ServerHandle, startHere, startThere } from "./servers.ts";
import { TcpFaultProxy } from "./tcp-fault-proxy.ts";

export interface Site extends AsyncDisposable {
  readonly servers: Readonly<Record<ServerName, ServerHandle>>;
  /** The server's URL as this process reaches it. */
  urlFor(who: string, server: ServerName): string;
  /** The command that runs its program; nothing for an ordinary process. */
  through(who: string): readonly string[] | undefined;
  /** A fault of the network; the answer heals it. */
  breakNetwork(fault: Extract<Fault, { kind: "link" | "partition" }>): () => void;
}

export const AUDITOR = "auditor";
const SERVERS: readonly ServerName[] = ["nats", "directory", "storage"];

async function startAll(
  start: (name: ServerName) => Promise<ServerHandle>,
): Promise<Record<ServerName, ServerHandle>> {
  const [nats, directory, storage] = await Promise.all(
    SERVERS.map(start) as [Promise<ServerHandle>, Promise<ServerHandle>, Promise<ServerHandle>],
  );
  return { nats, directory, storage };
}

/** On loopback, with a fault proxy between each process and each server; the auditor has none. */
export async function startProxiedSite(members: readonly string[]): Promise<Site> {
  const servers = await startAll(startHere);
  const proxies = new Map<string, TcpFaultProxy>();
  for (const who of members)
    for (const server of SERVERS)
      proxies.set(`${who} ${server}`, await TcpFaultProxy.start(servers[server].port));
  return {
    servers,
    urlFor: (who, server) => {
      const proxy = proxies.get(`${who} ${server}`);
      const { url, port } = servers[server];
      return proxy ? url.replace(`:${port}`, `:${proxy.port}`) : url;
    },
    through: () => undefined,
    breakNetwork: (fault) => {
      if (fault.kind !== "link") throw new Error("there are no partitions without namespaces");
      const proxy = proxies.get(`${fault.who} ${fault.server}`)!;
      proxy.apply(fault.fault);
      return () => proxy.heal();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
      await Promise.all(Object.values(servers).map((server) => server.act("stop")));
    },
  };
}

/** In network namespaces of their own, servers included: real packets, really lost. */
export async function startNamespaceSite(members: readonly string[]): Promise<Site> {
  const namespaces = new NetworkNamespaces([...members, AUDITOR, ...SERVERS]);
  try {
    const servers = await startAll((name) =>
      startThere(name, namespaces.through(name), namespaces.addressOf(name)),
    );
    return {
      servers,
      urlFor: (_who, server) => servers[server].url,
      through: (who) => namespaces.through(who),
      breakNetwork: (fault) => {
        if (fault.kind !== "partition") throw new Error("there are no proxies between namespaces");
        const { from, to, oneWay } = fault;
        namespaces.cut(from, to);
        if (!oneWay) namespaces.cut(to, from);
        return () => {
          namespaces.heal(from, to);
          if (!oneWay) namespaces.heal(to, from);
        };
      },
      [Symbol.asyncDispose]: async () => {
        await Promise.all(Object.values(servers).map((server) => server.act("stop")));
        namespaces.remove();
      },
    };
  } catch (error) {
    namespaces.remove();
    throw error;
  }
}
