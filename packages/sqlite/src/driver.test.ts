// Both drivers do the same, wherever this Node has them.
import { ConfigError } from "@tenure/core/internal";
import { describe, expect, test } from "vitest";
import { asBytes, isBusy, libsqlDriver, loadDriver, nodeDriver, type SqlDriver } from "./driver.ts";

const present: SqlDriver[] = [];
for (const candidate of [nodeDriver, libsqlDriver]) {
  const driver = await candidate();
  if (driver) present.push(driver);
}

describe.each(present.map((driver) => [driver.name, driver] as const))("%s", (_, driver) => {
  test("values go in and come back (V1)", () => {
    const database = driver.open(":memory:");
    database.exec("CREATE TABLE t (n INTEGER, r REAL, s TEXT, b BLOB) STRICT");
    const insert = database.prepare("INSERT INTO t VALUES (?, ?, ?, ?)");
    const all = Uint8Array.from({ length: 256 }, (_value, i) => i);
    insert.run(2 ** 52, 1.5, "é😀\n", all);
    insert.run(0, null, "", new Uint8Array(0));
    const rows = database.prepare("SELECT * FROM t ORDER BY n DESC").all();
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ n: 2 ** 52, r: 1.5, s: "é😀\n" });
    expect([...asBytes(rows[0]!["b"])]).toEqual([...all]);
    expect(rows[1]).toMatchObject({ n: 0, r: null, s: "" });
    expect(asBytes(rows[1]!["b"])).toHaveLength(0);
    expect(database.prepare("SELECT n FROM t WHERE n = ?").get(7)).toBeUndefined();
    database.close();
  });

  test("one blob as the only value is a value, not a set of names (V1)", () => {
    const database = driver.open(":memory:");
    const row = database.prepare("SELECT length(?) AS n").get(new Uint8Array(3));
    expect(row).toMatchObject({ n: 3 });
    database.close();
  });

  test("a failure is not taken for a held lock (V1)", () => {
    const database = driver.open(":memory:");
    let failure: unknown;
    try {
      database.exec("SELECT * FROM nowhere");
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(Error);
    expect(isBusy(failure)).toBe(false);
    database.close();
  });
});

test("this Node has a driver", async () => {
  expect(await loadDriver()).toMatchObject({ name: present[0]!.name });
});

test("without a driver the error says what to do", async () => {
  const loading = loadDriver([() => undefined, async () => undefined]);
  await expect(loading).rejects.toBeInstanceOf(ConfigError);
  await expect(loading).rejects.toThrow(/Node 22\.13.*pnpm add libsql/);
});

test("a busy database is told by SQLite's code, extended or not", () => {
  expect(isBusy({ errcode: 5 })).toBe(true);
  expect(isBusy({ rawCode: 5 })).toBe(true);
  expect(isBusy({ rawCode: 5 | (2 << 8) })).toBe(true);
  expect(isBusy({ errcode: 1 })).toBe(false);
  expect(isBusy(new Error("database is locked"))).toBe(false);
});
