import { ConfigError } from "@tenure/core/internal";
import { describe, expect, test } from "vitest";
import { redis, type RedisOptions } from "./index.ts";
import { resolveRedisOptions } from "./options.ts";

function refused(options: unknown): Error {
  try {
    redis(options as RedisOptions);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("a URL that is taken", () => {
  test.each([
    ["redis://localhost", { host: "localhost", port: 6379, db: 0, address: "localhost:6379" }],
    ["redis://localhost/", { db: 0 }],
    ["redis://10.0.0.1:7000/15", { host: "10.0.0.1", port: 7000, db: 15 }],
    ["redis://:pa%40ss@db:1", { username: undefined, password: "pa@ss", address: "db:1" }],
    ["redis://me:secret@db", { username: "me", password: "secret", tls: undefined }],
    ["rediss://db", { tls: {}, address: "db:6379" }],
    ["redis://[::1]:7000", { host: "::1", port: 7000, address: "[::1]:7000" }],
  ])("%s", (url, expected) => {
    expect(resolveRedisOptions({ url })).toMatchObject(expected);
  });
});

describe("a URL that is refused, with what is wrong and what is allowed (RO1)", () => {
  test.each([
    [undefined, "undefined is not a URL"],
    ["localhost:6379", "is not a Redis URL"],
    ["http://localhost", "is not a Redis URL"],
    ["redis://", "names no host"],
    ["redis:///3", "names no host"],
    ["redis://localhost/a", "not the number of a database"],
    ["redis://localhost:99999", "is not a URL"],
    ["redis://localhost:0", "has port 0"],
    ["redis://localhost?enableOfflineQueue=1", "has a query"],
    ["redis://me:%zz@localhost", "not percent-encoded"],
    ["redis://a:7000,b:7001", "names a Redis cluster"],
    ["redis+cluster://a", "names a Redis cluster"],
  ])("%s", (url, problem) => {
    const { message } = refused({ url });
    expect(message).toMatch(/^redis\.url: /);
    expect(message).toContain(problem);
    expect(message).toContain("redis://[[user]:password@]host[:port][/db]");
  });

  test.each([
    "redis://me:secret@h:1,h:2",
    "http://me:secret@h",
    "redis://me:s@secret@h/x",
    "me:secret@h",
  ])("without repeating the password: %s", (url) => {
    expect(refused({ url }).message).not.toContain("secret");
  });
});

describe("other options", () => {
  test("durations are milliseconds or have a unit", () => {
    const given = { url: "redis://h", commandTimeoutMs: "1s", connectTimeoutMs: 250 } as const;
    expect(resolveRedisOptions(given)).toMatchObject({
      commandTimeoutMs: 1_000,
      connectTimeoutMs: 250,
    });
    expect(refused({ url: "redis://h", commandTimeoutMs: 0 }).message).toMatch(
      /^redis\.commandTimeoutMs: /,
    );
  });

  test("tls goes with rediss only", () => {
    expect(refused({ url: "redis://h", tls: {} }).message).toContain("needs a rediss:// url");
    const tls = { ca: "certificate" };
    expect(resolveRedisOptions({ url: "rediss://h", tls }).tls).toBe(tls);
  });

  test("an unknown option is refused by its name", () => {
    expect(refused({ url: "redis://h", host: "h" }).message).toContain("redis.host: is not an");
    expect(refused(undefined).message).toContain("needs options, at least { url }");
  });
});
