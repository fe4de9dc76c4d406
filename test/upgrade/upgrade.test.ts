// Today's code on the stores of every release that ever was: rows in memory, and the embedded store's file.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryDirectory, memoryStorage } from "@tenure/directory/internal";
import { embedded } from "@tenure/sqlite";
import { afterEach, expect, test } from "vitest";
import { complaintsOn } from "./check-release.ts";
import { putRows, type RawRow } from "./raw-rows.ts";
import { type Release, releases, withFile } from "./releases.ts";
import type { Stores } from "./silo-at.ts";

const temporary: string[] = [];
afterEach(() => {
  for (const dir of temporary.splice(0)) rmSync(dir, { recursive: true });
});

async function memoryOf(release: Release): Promise<Stores> {
  const storage = memoryStorage();
  const text = readFileSync(join(release.dir, "rows.json"), "utf8");
  await putRows(storage, JSON.parse(text) as RawRow[]);
  return { directory: memoryDirectory(), storage };
}

function embeddedOf(release: Release): Promise<Stores> {
  const dir = mkdtempSync(join(tmpdir(), "tenure-upgrade-"));
  temporary.push(dir);
  copyFileSync(join(release.dir, "tenure.db"), join(dir, "tenure.db"));
  return Promise.resolve(embedded({ dir }));
}

test("there is a fixture of every store for every release, but for those of before there were fixtures", () => {
  const newest = releases().at(-1)!;
  for (const file of ["rows.json", "tenure.db", "redis.json", "postgres.sql", "jetstream.json"])
    expect(existsSync(join(newest.dir, file)), `${newest.name}/${file}`).toBe(true);
});

test.for(withFile("rows.json"))("rows of %s show what was stored in them", async ([, release]) => {
  expect(await complaintsOn(await memoryOf(release), release)).toEqual([]);
});

test.for(withFile("tenure.db"))(
  "an embedded store of %s opens, and shows what was stored in it",
  async ([, release]) => {
    expect(await complaintsOn(await embeddedOf(release), release)).toEqual([]);
  },
);
