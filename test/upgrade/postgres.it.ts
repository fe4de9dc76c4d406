// Today's code on what PostgreSQL held for every release that had stores there, its schema included.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { postgres } from "@tenure/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_POSTGRES, type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { complaintsOn } from "./check-release.ts";
import { restorePostgres } from "./postgres-dump.ts";
import { withFile } from "./releases.ts";

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
      expect(await complaintsOn(postgres({ url: server.url }), release)).toEqual([]);
    },
  );
});
