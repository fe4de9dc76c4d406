import { connect as connectNatsIo } from "@nats-io/transport-node";
import { nats } from "@tenure/nats";
import { transportConformance } from "@tenure/testing/internal";
import { connect as connectNats } from "nats";
import { afterAll, beforeAll } from "vitest";
import { type NatsServer, startNats } from "../support/nats-server.ts";

let server: NatsServer;
beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.stop());

for (const [name, connect] of [
  ["nats 2", connectNats],
  ["@nats-io/transport-node 3", connectNatsIo],
] as const)
  transportConformance({
    name,
    open: async () => {
      const stranger = await connectNats({ servers: server.url, maxReconnectAttempts: -1 });
      return {
        provider: nats({ servers: server.url, connect }).transport,
        publishRaw: async ({ cluster, to, from }, bytes) => {
          stranger.publish(`tnr.${cluster}.1.${to}.${from}`, bytes);
          await stranger.flush();
        },
        cut: () => server.kill(),
        heal: () => server.restart(),
        dispose: () => stranger.close(),
      };
    },
  });
