// Redis alone states the ownership rules a second time, in Lua: here both run the same commands, and every answer and
// every resulting record must be equal. What was to happen is counted, because a comparison of commands that are all
// refused alike would prove little. A failure prints its seed; TENURE_SEED=<seed> runs it again.
import {
  type Directory,
  type PortEnvironment,
  type Storage,
  systemClock,
  systemRandom,
} from "@tenure/core/internal";
import { redis } from "@tenure/redis";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { command, RARE } from "./redis-rules-commands.ts";
import { Comparison } from "./redis-rules-comparison.ts";

const SEED = Number(process.env["TENURE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = 300;

/** Every answer that the rules know, and what else has to occur for the comparison to mean something. */
const WANTED = `
  register: ok dead name-taken protocol
  renew: ok absent dead conflict
  markDead: ok absent conflict
  open: true false
  claim: ok resent owned owner-absent changed token-used claimant-not-alive closed
  release: ok not-owner
  load: ok fenced newer-format
  save: ok resent fenced conflict
  verify: true false
  due: found
  history: full
  header: only
  foreign: namesake
  again: sent`;

const environment: PortEnvironment = {
  cluster: "rules",
  clock: systemClock(),
  random: systemRandom(),
  emit: () => {},
  leaseTtlMs: 4_000,
  openTimeoutMs: 5_000,
  durability: "default",
};

const happened = new Set<string>();
let server: RedisServer;
let raw: Redis;
let directory: Directory;
let storage: Storage;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.port, "127.0.0.1");
  const backend = redis({ url: server.url });
  directory = await backend.directory.open(environment);
  storage = await backend.storage.open(environment);
});
afterAll(async () => {
  await directory?.close();
  await storage?.close();
  raw?.disconnect();
  await server?.stop();
});

test("Lua decides as ownership-rules does, and leaves the same records (D1, S1)", async () => {
  const commands = fc.array(command, { minLength: 20, maxLength: 80, size: "max" });
  const compare = fc.asyncProperty(commands, async (given) => {
    await raw.flushall();
    const note = (what: string): void => void happened.add(what);
    const comparison = new Comparison({ directory, storage, raw, prefix: "tenure:rules:", note });
    for (const one of given) await comparison.step(one);
    await comparison.compareRecords();
  });
  await expect(
    fc.assert(compare, { seed: SEED, numRuns: RUNS, examples: [[[...RARE]]] }),
  ).resolves.toBeUndefined();
}, 120_000);

test("every answer that the rules know has occurred in the comparison", () => {
  const wanted = WANTED.trim()
    .split("\n")
    .flatMap((line) => {
      const [operation, outcomes] = line.trim().split(": ");
      return outcomes!.split(" ").map((outcome) => `${operation} ${outcome}`);
    });
  expect(wanted.filter((what) => !happened.has(what))).toEqual([]);
});
