// The rows of the table. Each starts its processes, measures, has everybody checked, and ends them.
import type { Load } from "./closed-loop.ts";
import { measure, type Measured, perSecond, type RowResult, type Side } from "./measure.ts";
import { Contestant } from "./processes.ts";
import { measureTakeover } from "./takeover.ts";
import type { PrivateServer } from "../../examples/support/private-servers.ts";

export interface Bench {
  readonly nats: PrivateServer;
  readonly redis: PrivateServer;
  readonly repetitions: number;
  /** Milliseconds of one run. */
  readonly runMs: number;
  /** Activations whose memory is measured. */
  readonly idle: number;
  /** Options for Node, for profiles. */
  readonly flags: readonly string[];
}

export type RowId = keyof typeof ROWS;

export const ROWS = {
  local: localRows,
  remote: remoteRows,
  durable: durableRows,
  memory: memoryRows,
  takeover: takeoverRows,
} as const satisfies Record<string, (bench: Bench) => Promise<readonly RowResult[]>>;

const OUTSTANDING = 256;
const ACTORS = 1_000;
const HEAP = "--max-old-space-size=8192";

async function localRows(bench: Bench): Promise<readonly RowResult[]> {
  await using raw = await Contestant.start("raw-mailbox");
  await using silo = await Contestant.start("local-silo", {}, bench.flags);
  const side = sidesOf(bench, { outstanding: OUTSTANDING, actors: ACTORS });
  const primitives = await measure(
    [side("raw mailbox", raw, "primitives", { raw }), side("tenure", silo, "primitives", { silo })],
    bench.repetitions,
    perSecond,
  );
  const payload = await measure(
    [
      side("raw by reference", raw, "reference", { raw }),
      side("raw, msgpackr copy", raw, "copy", { raw }),
      side("tenure", silo, "carry", { silo }),
    ],
    bench.repetitions,
    perSecond,
  );
  await raw.ask("check");
  await silo.ask("check");
  return [
    {
      id: "local-primitives",
      title: "local call, primitives",
      unit: "calls/s",
      ours: "tenure",
      measured: primitives,
      goals: [{ against: "raw mailbox", ratio: 0.25 }],
      usual: { "raw mailbox": 3_700_000 },
    },
    {
      id: "local-payload",
      title: "local call, payload, isolated",
      unit: "calls/s",
      ours: "tenure",
      measured: payload,
      goals: [{ against: "raw, msgpackr copy", ratio: 3 }],
      usual: { "raw, msgpackr copy": 100_000 },
    },
  ];
}

async function remoteRows(bench: Bench): Promise<readonly RowResult[]> {
  const env = settings(bench, "remote");
  await using callee = await Contestant.start("raw-nats-callee", env);
  await using caller = await Contestant.start("raw-nats-caller", env);
  await using silo = await Contestant.start("silo", env, bench.flags);
  await using client = await Contestant.start("client", env, bench.flags);
  const { nats, redis } = bench;
  const side = sidesOf(bench, { outstanding: OUTSTANDING, actors: ACTORS });
  const throughput = await measure(
    [
      side("raw, batched by hand", caller, "batched", { caller, callee, nats }),
      side("raw request()", caller, "request", { caller, callee, nats }),
      side("tenure", client, "carry", { client, silo, nats }),
      side("tenure, durable write", client, "write", { client, silo, nats, redis }),
    ],
    bench.repetitions,
    perSecond,
  );
  const alone = sidesOf(bench, { outstanding: 1, actors: ACTORS, latencies: true });
  const latency = await measure(
    [
      alone("raw, batched by hand", caller, "batched", { caller, callee, nats }),
      alone("tenure", client, "carry", { client, silo, nats }),
    ],
    bench.repetitions,
    (ran) => ran.p50Ms!,
  );
  await callee.ask("check", await caller.ask<object>("made"));
  await client.ask("check");
  const [batched, request, carry, write] = throughput as readonly [
    Measured,
    Measured,
    Measured,
    Measured,
  ];
  return [
    {
      id: "remote-throughput",
      title: "remote call over NATS",
      unit: "calls/s",
      ours: "tenure",
      measured: [batched, request, carry],
      goals: [
        { against: "raw, batched by hand", ratio: 0.65 },
        { against: "raw request()", ratio: 4 },
      ],
      usual: { "raw, batched by hand": 80_000, "raw request()": 12_000 },
    },
    {
      id: "remote-latency",
      title: "remote call, one at a time, p50",
      unit: "ms",
      ours: "tenure",
      measured: latency,
      goals: [{ against: "raw, batched by hand", ratio: 1.2 }],
      usual: { "raw, batched by hand": 0.42 },
    },
    {
      id: "remote-write",
      title: "durable write, called remotely",
      unit: "calls/s",
      ours: "tenure, durable write",
      measured: [carry, write],
      goals: [{ against: "tenure", ratio: 0.6 }],
      usual: {},
    },
  ];
}

async function durableRows(bench: Bench): Promise<readonly RowResult[]> {
  const env = settings(bench, "durable");
  await using raw = await Contestant.start("raw-redis", env, [HEAP]);
  await using silo = await Contestant.start("durable-silo", env, [HEAP, ...bench.flags]);
  const { redis } = bench;
  const side = sidesOf(bench, { outstanding: OUTSTANDING, actors: ACTORS });
  const batch = Math.ceil(bench.runMs * 20);
  for (const each of [raw, silo])
    await each.ask("seed", { actors: batch * (bench.repetitions + 1) });
  const write = await measure(
    [
      side("raw, variadic script", raw, "variadic", { raw, redis }),
      side("raw, script per write", raw, "single", { raw, redis }),
      side("tenure", silo, "write", { silo, redis }),
    ],
    bench.repetitions,
    perSecond,
  );
  const hot = await measure(
    [
      side("raw, one after another", raw, "sequential", { raw, redis }),
      side("tenure", silo, "hot", { silo, redis }),
    ],
    bench.repetitions,
    perSecond,
  );
  const counted = sidesOf(bench, { outstanding: OUTSTANDING, actors: Infinity, calls: batch });
  const activation = await measure(
    [
      counted("raw, variadic scripts", raw, "activate", { raw, redis }),
      counted("tenure", silo, "activate", { silo, redis }),
    ],
    bench.repetitions,
    perSecond,
  );
  await raw.ask("check");
  await silo.ask("check");
  return [
    {
      id: "activation",
      title: "activation: claim and load from Redis",
      unit: "calls/s",
      ours: "tenure",
      measured: activation,
      goals: [{ against: "raw, variadic scripts", ratio: 0.6 }],
      usual: { "raw, variadic scripts": 38_000 },
    },
    {
      id: "durable-write",
      title: "durable write from inside the silo",
      unit: "calls/s",
      ours: "tenure",
      measured: write,
      goals: [{ against: "raw, variadic script", ratio: 0.5 }],
      usual: { "raw, variadic script": 106_000, "raw, script per write": 37_000 },
    },
    {
      id: "durable-hot",
      title: "durable writes on one hot actor",
      unit: "calls/s",
      ours: "tenure",
      measured: hot,
      goals: [],
      usual: {},
      figureGoal: 20_000,
    },
  ];
}

async function memoryRows(bench: Bench): Promise<readonly RowResult[]> {
  const flags = ["--expose-gc", "--max-old-space-size=16384"];
  await using raw = await Contestant.start("raw-idle", {}, flags);
  await using silo = await Contestant.start("idle-silo", settings(bench, "idle"), flags);
  const fill = (name: string, contestant: Contestant): Side => ({
    name,
    contestant,
    operation: "fill",
    load: { actors: Math.ceil(bench.idle / (bench.repetitions + 1)), outstanding: 1 },
    processes: { [contestant.name]: contestant.pid },
  });
  const measured = await measure(
    [fill("raw objects", raw), fill("tenure", silo)],
    bench.repetitions,
    (ran) => (ran as unknown as { readonly bytes: number }).bytes,
  );
  await raw.ask("check");
  await silo.ask("check");
  return [
    {
      id: "memory",
      title: `memory of an idle activation, small state (${bench.idle} in one silo)`,
      unit: "bytes",
      ours: "tenure",
      measured,
      goals: [],
      usual: {},
      figureGoal: 2_048,
    },
  ];
}

async function takeoverRows(bench: Bench): Promise<readonly RowResult[]> {
  return [await measureTakeover(settings(bench, "takeover"), bench.repetitions)];
}

export function settings(bench: Bench, cluster: string): Readonly<Record<string, string>> {
  return { NATS_URL: bench.nats.url, REDIS_URL: bench.redis.url, CLUSTER: cluster, SILO: "one" };
}

function sidesOf(bench: Bench, load: Load) {
  return (
    name: string,
    contestant: Contestant,
    operation: string,
    processes: Readonly<Record<string, { readonly pid: number }>>,
  ): Side => ({
    name,
    contestant,
    operation,
    load: load.calls === undefined ? { ...load, forMs: bench.runMs } : { ...load, actors: ACTORS },
    processes: Object.fromEntries(Object.entries(processes).map(([key, { pid }]) => [key, pid])),
  });
}
