// Headers, interceptors and authorize between real processes over NATS.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { nats } from "@tenure/nats";
import { type Client, connect, type ConnectOptions, UnauthorizedError } from "tenure";
import { expect, test } from "vitest";
import { startNatsServer, startRedisServer } from "../../examples/support/private-servers.ts";
import { Caravan } from "./caravan.ts";
import { rejection } from "../support/deferred.ts";

interface Fleet extends AsyncDisposable {
  readonly client: Client;
  /** Which actors the silos have claimed so far. */
  readonly claimed: readonly string[];
}

async function startFleet(
  names: readonly string[],
  interceptors?: ConnectOptions["interceptors"],
): Promise<Fleet> {
  const [natsServer, redisServer] = await Promise.all([startNatsServer(), startRedisServer()]);
  const claimed: string[] = [];
  const start = async (name: string): Promise<ChildProcess> => {
    const child = fork(fileURLToPath(new URL("guarded-silo.ts", import.meta.url)), [name], {
      execArgv: ["--import", "tsx"],
      env: { ...process.env, NATS_URL: natsServer.url, REDIS_URL: redisServer.url },
    });
    const serving = new Promise<void>((resolve, reject) => {
      child.on("message", (message: { serving?: true; claimed?: string }) => {
        if (message.serving) resolve();
        if (message.claimed !== undefined) claimed.push(message.claimed);
      });
      child.once("exit", (code) => reject(new Error(`silo ${name} ended with ${String(code)}`)));
    });
    await serving;
    return child;
  };
  const silos = await Promise.all(names.map(start));
  const client = await connect({
    cluster: "guarded",
    ...nats({ servers: natsServer.url }),
    interceptors,
    onEvent: () => undefined,
  });
  return {
    client,
    claimed,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      for (const silo of silos) {
        const ended = once(silo, "exit");
        silo.kill("SIGKILL");
        await ended;
      }
      await Promise.all([natsServer.stop(), redisServer.stop()]);
    },
  };
}

test(
  "headers go down a chain of calls over processes, changed where a call or an interceptor changes them, and none come back",
  { timeout: 60_000 },
  async () => {
    await using fleet = await startFleet(["one", "two", "three"]);
    // Any silo is asked where an actor should live: so they come to live on all of them, also while the silos do not know
    // each other yet.
    // Chance has it that some dozen live on one: then there are more of them.
    const ids: string[] = [];
    for (const lives = new Set<string>(); ids.length < 12 || (lives.size < 2 && ids.length < 60);) {
      const id = String(ids.length);
      const [stop] = await fleet.client
        .get(Caravan, id)
        .$with({ headers: { pass: "good" } })
        .travel([]);
      ids.push(id);
      lives.add(stop!.silo);
    }
    const path = ids.slice(1);
    const first = fleet.client.get(Caravan, "0").$with({
      headers: { pass: "good", tenant: "a", ["__proto__"]: "data" },
    });
    const stops = await first.travel(path, { tenant: "b" });
    expect(stops.map((stop) => stop.id)).toEqual(["0", ...path]);
    expect(new Set(stops.map((stop) => stop.silo)).size).toBeGreaterThan(1);
    let way = "";
    for (const { id, silo, headers } of stops) {
      way += `${silo} `;
      expect(headers).toEqual([
        ["__proto__", "data"],
        ["pass", "good"],
        ["tenant", id === "0" ? "a" : "b"],
        ["way", way],
      ]);
    }
    const [after] = await fleet.client
      .get(Caravan, "5")
      .$with({ headers: { pass: "good" } })
      .travel([]);
    expect(after!.headers.map(([name]) => name)).toEqual(["pass", "way"]);
  },
);

test(
  "a call that authorize does not allow fails over NATS with UnauthorizedError, not executed, and nothing is claimed for it",
  { timeout: 60_000 },
  async () => {
    await using fleet = await startFleet(["one", "two"]);
    for (const [pass, says] of [
      [undefined, "caravan/x.travel: the silo does not allow the call"],
      ["expired", "caravan/x.travel: the pass has expired"],
      ["broken", "caravan/x.travel: the silo does not allow the call"],
    ]) {
      const headers = pass === undefined ? {} : { pass };
      const error = await rejection(fleet.client.get(Caravan, "x").$with({ headers }).travel([]));
      expect(error).toBeInstanceOf(UnauthorizedError);
      expect(error).toMatchObject({ outcome: "not-executed" });
      expect((error as Error).message).toBe(says);
    }
    // Refused further down: the caller's caller is told, and knows no more than that its own call has run.
    const good = fleet.client.get(Caravan, "y").$with({ headers: { pass: "good" } });
    const inner = await rejection(good.travel(["x"], { pass: "bad" }));
    expect(inner).toMatchObject({ code: "UNAUTHORIZED", outcome: "unknown" });
    expect(await good.travel([])).toHaveLength(1);
    expect(fleet.claimed).toEqual(["y"]);
  },
);

test(
  "a client's interceptor signs a call that was refused and tries again, over NATS",
  { timeout: 60_000 },
  async () => {
    let tries = 0;
    await using fleet = await startFleet(["one", "two"], {
      outgoing: [
        async (call, next) => {
          try {
            return await next();
          } catch (error) {
            if (!(error instanceof UnauthorizedError)) throw error;
            tries += 1;
            return await next({ headers: { ...call.headers, pass: "good" } });
          }
        },
      ],
    });
    const caravan = fleet.client.get(Caravan, "z");
    expect(await caravan.travel(["z1", "z2"])).toHaveLength(3);
    expect(tries).toBe(1);
  },
);
