// Today's code on what PostgreSQL held for every release that had stores there, its schema included.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { postgres } from "@tenure/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_POSTGRES, type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { Archive } from "./archive.ts";
import { checkArchive, checkLaterArchive } from "./check-archive.ts";
import { LaterArchive } from "./later-archive.ts";
import { restorePostgres } from "./postgres-dump.ts";
import { clockAfter, withFile } from "./releases.ts";
import { siloAt } from "./silo-at.ts";

let server: PostgresServer;

beforeAll(async () => {
  if (!NO_POSTGRES) server = await startPostgres();
});
afterAll(() => server?.stop());

describe.skipIf(NO_POSTGRES)(`postgres${NO_POSTGRES ? `; ${NO_POSTGRES}` : ""}`, () => {
  test.for(withFile("postgres.sql"))(
    "what PostgreSQL held for %s opens, and shows what was stored in it",
    async ([, release]) => {
      await restorePostgres(server.url, readFileSync(join(release.dir, "postgres.sql"), "utf8"));
      const stores = postgres({ url: server.url });
      {
        await using same = await siloAt(stores, clockAfter(release), [Archive]);
        await checkArchive(same.silo.client);
        expect(same.events.filter(({ type }) => type === "store.damaged")).toEqual([]);
      }
      await using later = await siloAt(stores, clockAfter(release), [LaterArchive]);
      await checkLaterArchive(later.silo.client);
    },
  );
});
