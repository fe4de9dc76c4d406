import { ConfigError } from "@tenure/core/internal";
import { describe, expect, test } from "vitest";
import { judgeServer, type ServerSettings } from "./durability.ts";
import { parseInfo, settingsOf } from "./settings.ts";

const FLUSHED: ServerSettings = {
  version: "7.0.15",
  mode: "standalone",
  role: "master",
  appendOnly: true,
  appendFsync: "always",
  maxMemory: 0,
  maxMemoryPolicy: "noeviction",
  minReplicas: 0,
};

const judge = (changes: Partial<ServerSettings>, durability: "default" | "strict" = "default") =>
  judgeServer({ ...FLUSHED, ...changes }, "db:6379", durability);

describe("what an acknowledged write survives", () => {
  test.each([
    [{}, "survives a crash of the server and of its machine (appendfsync always)"],
    [{ appendFsync: "everysec" }, "a crash of its machine loses up to the last two seconds"],
    [{ appendFsync: "no" }, "loses what the operating system had not written yet"],
    [{ appendFsync: undefined }, "could not be read"],
    [{ appendOnly: false }, "is lost when the server ends"],
    [{ appendOnly: undefined }, "survives nothing that is known"],
    [{}, "a failover to a replica may lose the newest"],
    [{ minReplicas: 1 }, "none is taken without 1 connected replica, but a failover"],
    [{ minReplicas: 2 }, "none is taken without 2 connected replicas, but a failover"],
  ])("%j: %s", (changes, sentence) => {
    const said = judge(changes);
    expect(said).toContain(sentence);
    expect(said).toMatch(/^an acknowledged write [^.]*$/);
  });
});

describe("what strict takes (RS2)", () => {
  test("a file that is flushed before each answer", () => {
    expect(judge({}, "strict")).toBe(judge({}));
  });

  test.each([
    { appendFsync: "everysec" },
    { appendFsync: "no" },
    { appendFsync: undefined },
    { appendOnly: false },
    { appendOnly: undefined },
  ])("and not %j", (changes) => {
    expect(() => judge(changes, "strict")).toThrow(/^durability: 'strict' needs .*db:6379/);
  });
});

describe("a server that is always refused (RS1)", () => {
  test.each([
    [{ mode: "cluster" }, "is in cluster mode"],
    [{ mode: "sentinel" }, "is a sentinel"],
    [{ role: "slave" }, "is a replica"],
    [{ version: "6.2.14" }, "has version 6.2.14; it must be 7.0 or newer"],
    [{ version: "unknown" }, "has version unknown"],
    [{ maxMemory: 1, maxMemoryPolicy: "allkeys-lru" }, "set maxmemory-policy noeviction"],
    [{ maxMemory: 1, maxMemoryPolicy: "allkeys-random" }, "evicts any key"],
  ])("%j: %s", (changes, problem) => {
    expect(() => judge(changes)).toThrow(ConfigError);
    expect(() => judge(changes)).toThrow(problem);
  });

  test.each([
    { maxMemory: 1 },
    { maxMemory: 1, maxMemoryPolicy: "volatile-lru" },
    { maxMemory: 0, maxMemoryPolicy: "allkeys-lru" },
    { version: "7.0.0" },
    { version: "10.1.0" },
  ])("and one that is not: %j", (changes) => {
    expect(() => judge(changes)).not.toThrow();
  });
});

describe("reading the settings", () => {
  const info = parseInfo(
    "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\naof_enabled:1\r\n" +
      "maxmemory:1048576\r\nmaxmemory_policy:allkeys-lru\r\nodd:a:b\r\n",
  );

  test("INFO stands in for CONFIG where that is not allowed", () => {
    expect(info.get("odd")).toBe("a:b");
    expect(settingsOf(info, undefined)).toEqual({
      ...FLUSHED,
      appendFsync: undefined,
      maxMemory: 1_048_576,
      maxMemoryPolicy: "allkeys-lru",
    });
  });

  test("CONFIG goes first", () => {
    const config = new Map([
      ["appendonly", "no"],
      ["appendfsync", "everysec"],
      ["maxmemory", "0"],
      ["maxmemory-policy", "noeviction"],
      ["min-replicas-to-write", "1"],
    ]);
    expect(settingsOf(info, config)).toEqual({
      ...FLUSHED,
      appendOnly: false,
      appendFsync: "everysec",
      minReplicas: 1,
    });
  });
});
