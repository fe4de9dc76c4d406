// What defineActor says of a class, between real processes over NATS and Redis: schemas, placement, services, stateless pools, and
// what an operator does with single actors.
import { nats } from "@tenure/nats";
import { redis } from "@tenure/redis";
import {
  type Client,
  connect,
  createSilo,
  InvalidArgumentError,
  type Silo,
  SiloNotFoundError,
} from "tenure";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type PrivateServer,
  startNatsServer,
  startRedisServer,
} from "../../examples/support/private-servers.ts";
import { rejection } from "../support/deferred.ts";
import { ForkedProcess } from "../support/forked-process.ts";
import { Apprentice, Bench, Kiln, Shelf } from "./workshop.ts";

type Report = { readonly serving?: true };

let servers: readonly PrivateServer[] = [];
let silos: readonly ForkedProcess<Report>[] = [];
/** A silo without the classes, in this process: an operator's. */
let desk: Silo;
let client: Client;

beforeAll(async () => {
  const [natsServer, redisServer] = await Promise.all([startNatsServer(), startRedisServer()]);
  servers = [natsServer, redisServer];
  const env = { ...process.env, NATS_URL: natsServer.url, REDIS_URL: redisServer.url };
  silos = [["one", "hot"], ["two"], ["gate", "gate"]].map(
    (args) => new ForkedProcess(new URL("workshop-silo.ts", import.meta.url), { args, env }),
  );
  await Promise.all(
    silos.map(async (silo) => {
      if (!(await silo.reportOrEnd((report) => report.serving === true)))
        throw new Error(`a silo ended with ${silo.ending} before it served`);
    }),
  );
  const transport = nats({ servers: natsServer.url });
  desk = await createSilo({
    name: "desk",
    cluster: "workshop",
    actors: [],
    ...transport,
    ...redis({ url: redisServer.url }),
    onEvent: () => undefined,
  });
  client = await connect({ cluster: "workshop", ...transport, onEvent: () => undefined });
  // The desk came last: a silo that knows it, or looks because it does not, has seen all of the others by then.
  for (const name of ["one", "two"]) await desk.admin.move(Shelf, `of ${name}`, name);
}, 60_000);

afterAll(async () => {
  await client?.close();
  await desk?.stop();
  await Promise.all(silos.map((silo) => silo.end("SIGKILL")));
  await Promise.all(servers.map((server) => server.stop()));
});

test("over NATS a schema refuses arguments typed, with paths and messages, and the method gets its output", async () => {
  const bench = client.get(Bench, "two: orders");
  const error = await rejection(bench.order({ item: " ", count: 0 }));
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(error).toMatchObject({
    outcome: "not-executed",
    details: {
      issues: [
        { path: [0, "item"], message: expect.any(String) as unknown },
        { path: [0, "count"], message: expect.any(String) as unknown },
      ],
    },
  });
  expect(await bench.order({ item: " tile ", count: 3 })).toBe(1);
  expect(await bench.orders()).toEqual([{ item: "tile", count: 3 }]);
});

test("a class's placement holds for every caller over NATS: by function, role and hash; each silo gives its own services", async () => {
  const callers = [client, desk.client];
  for (const [n, caller] of callers.entries()) {
    for (const name of ["one", "two"])
      for (let i = 0; i < 5; i++)
        expect(await caller.get(Bench, `${name}: ${n} ${i}`).where()).toEqual({
          silo: name,
          mail: `${name} post`,
        });
    for (let i = 0; i < 5; i++) expect(await caller.get(Kiln, `${n} ${i}`).where()).toBe("one");
  }
  // By hash a place can be found again: after its activation has ended, whoever asks.
  for (let i = 0; i < 10; i++) {
    const id = `${i}`;
    const place = await client.get(Shelf, id).where();
    expect(await desk.admin.deactivate(Shelf, id)).toBe(true);
    expect(await desk.client.get(Shelf, id).where()).toBe(place);
  }
});

test("stored state that its schema refuses fails the activation over NATS, named by key and path", async () => {
  const bench = client.get(Bench, "one: spoiled");
  await bench.scribble();
  await desk.admin.deactivate(Bench, "one: spoiled");
  const error = await rejection(bench.orders());
  expect(error).toMatchObject({ code: "ACTIVATION_FAILED", outcome: "not-executed" });
  expect(String(error)).toContain("the stored state of bench/one: spoiled does not fit its schema");
  expect(String(error)).toContain("state.orders[0].count: ");
});

test("a move takes an actor from one process to another with its state, and calls go on through it", async () => {
  const id = "one: moved";
  const bench = client.get(Bench, id);
  const counts: number[] = [];
  const moves = (async () => {
    for (let round = 0; round < 6; round++)
      await desk.admin.move(Bench, id, round % 2 === 0 ? "two" : "one");
  })();
  for (let n = 1; n <= 200; n++) counts.push(await bench.order({ item: `${n}`, count: n }));
  await moves;
  expect(counts).toEqual(Array.from({ length: 200 }, (_unused, i) => i + 1));
  expect((await bench.orders()).map(({ count }) => count)).toEqual(counts);
  await desk.admin.move("bench", id, "two");
  expect((await bench.where()).silo).toBe("two");
  const told = await desk.admin.explain(Bench, id);
  expect(told.owner).toMatchObject({ silo: "two", standing: "lives" });
  expect(told.claims.at(-1)).toMatchObject({ silo: "two", generation: told.generation });
  expect(await rejection(desk.admin.move(Bench, id, "gate"))).toBeInstanceOf(SiloNotFoundError);
});

test("calls of a stateless class go to any process that has it, at most max at a time in each", async () => {
  const calls = Array.from({ length: 60 }, (_unused, i) =>
    (i % 2 === 0 ? client : desk.client).get(Apprentice, `${i}`).work(5),
  );
  const done = await Promise.all(calls);
  expect(new Set(done.map(({ silo }) => silo))).toEqual(new Set(["one", "two"]));
  expect(Math.max(...done.map(({ atOnce }) => atOnce))).toBe(3);
});
