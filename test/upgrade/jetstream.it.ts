// Today's code on what JetStream held for every release that had stores there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nats } from "@tenure/nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { complaintsOn } from "./check-release.ts";
import { withFile } from "./releases.ts";
import { dumpStreams, restoreStreams, type StreamsDump } from "./stream-dump.ts";

let server: NatsServer;

beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server?.stop());

test.for(withFile("jetstream.json"))(
  "what JetStream held for %s opens, and shows what was stored in it",
  async ([, release]) => {
    const dump = JSON.parse(
      readFileSync(join(release.dir, "jetstream.json"), "utf8"),
    ) as StreamsDump;
    await restoreStreams(server.url, dump);
    expect(await dumpStreams(server.url)).toEqual(dump);
    expect(await complaintsOn(nats({ servers: server.url }), release)).toEqual([]);
  },
);
