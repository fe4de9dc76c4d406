// A rolling deployment of a class whose state has a new version, between real processes over NATS and Redis, and back.
import { nats } from "@tenure/nats";
import { type Client, connect, SiloUnavailableError } from "tenure";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type PrivateServer,
  startNatsServer,
  startRedisServer,
} from "../../examples/support/private-servers.ts";
import { rejection } from "../support/deferred.ts";
import { ForkedProcess } from "../support/forked-process.ts";
import { type Paid, TILLS } from "./till.ts";

type Report = { readonly serving?: true; readonly outdated?: string | null };

let servers: readonly PrivateServer[] = [];
let client: Client;
const silos: ForkedProcess<Report>[] = [];

beforeAll(async () => {
  servers = await Promise.all([startNatsServer(), startRedisServer()]);
  client = await connect({
    cluster: "tills",
    ...nats({ servers: servers[0]!.url }),
    onEvent: () => undefined,
  });
}, 60_000);

afterAll(async () => {
  await client?.close();
  await Promise.all(silos.map((silo) => silo.end("SIGKILL")));
  await Promise.all(servers.map((server) => server.stop()));
});

async function start(name: string, version: 1 | 2): Promise<ForkedProcess<Report>> {
  const [natsServer, redisServer] = servers;
  const silo = new ForkedProcess<Report>(new URL("till-silo.ts", import.meta.url), {
    args: [name, String(version)],
    env: { ...process.env, NATS_URL: natsServer!.url, REDIS_URL: redisServer!.url },
  });
  silos.push(silo);
  if (!(await silo.reportOrEnd((report) => report.serving === true)))
    throw new Error(`${name} ended with ${silo.ending} before it served`);
  return silo;
}

const IDS = Array.from({ length: 30 }, (_, i) => `till-${i}`);
const till = (id: string) => client.get(TILLS["2"]!, id);

test(
  "silos of one version are replaced one by one while clients write: every call is answered, and every sum is exact",
  { timeout: 90_000 },
  async () => {
    const old = [await start("a1", 1), await start("b1", 1), await start("c1", 1)];
    const paid = new Map(IDS.map((id) => [id, 0]));
    const failed: unknown[] = [];
    const versions = new Set<number>();
    let over = false;
    const payers = Promise.all(
      IDS.map(async (id) => {
        while (!over) {
          const answer: Paid | undefined = await till(id)
            .pay(5)
            .catch((error: unknown) => void failed.push(error));
          if (!answer) continue;
          paid.set(id, paid.get(id)! + 5);
          versions.add(answer.version);
          if (answer.cents !== paid.get(id)) failed.push(`${id} has ${answer.cents}`);
        }
      }),
    );
    for (const [i, silo] of old.entries()) {
      await start(`${"abc"[i]}2`, 2);
      await silo.end("SIGTERM");
    }
    const now = await Promise.all(IDS.map(async (id) => await till(id).pay(0)));
    over = true;
    await payers;
    expect(failed).toEqual([]);
    expect(versions).toEqual(new Set([1, 2]));
    expect(new Set(now.map(({ version }) => version))).toEqual(new Set([2]));
    for (const id of IDS) expect((await till(id).look()).cents).toBe(paid.get(id));
  },
);

test(
  "a deployment that is rolled back loses nothing: what the newer code wrote is served while it is there, and waits when it is not",
  { timeout: 90_000 },
  async () => {
    const before = await Promise.all(IDS.map(async (id) => await till(id).pay(100)));
    const newer = silos.filter((silo) => !silo.ended);
    const back = [await start("a3", 1), await start("b3", 1)];
    // Two of three: their actors go to the third, wherever they are placed first.
    await Promise.all(newer.slice(1).map((silo) => silo.end("SIGTERM")));
    const meanwhile = await Promise.all(IDS.map(async (id) => await till(id).pay(100)));
    expect(meanwhile.map(({ cents }) => cents)).toEqual(before.map(({ cents }) => cents + 100));
    expect(new Set(meanwhile.map(({ silo }) => silo))).toEqual(new Set(["a2"]));

    await newer[0]!.end("SIGTERM");
    const error = await rejection(till(IDS[0]!).$with({ timeoutMs: "3s" }).pay(1));
    expect(error).toBeInstanceOf(SiloUnavailableError);
    expect(error).toMatchObject({ outcome: "not-executed" });
    expect(String(error)).toContain("till/till-0 has state of version 2");
    expect(back.some(({ reports }) => reports.some(({ outdated }) => outdated === null))).toBe(
      true,
    );
    // New actors begin with what there is.
    expect(await till("another").pay(7)).toMatchObject({ cents: 7, version: 1 });

    const waiting = Promise.all(IDS.map(async (id) => await till(id).pay(0)));
    await start("a4", 2);
    expect((await waiting).map(({ cents }) => cents)).toEqual(meanwhile.map(({ cents }) => cents));
  },
);
