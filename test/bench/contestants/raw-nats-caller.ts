// By hand: calls over NATS. The calls of one turn of the event loop in one message (`batched`), with one inbox and a table of
// what is open; or `request()` for each (`request`), as the client library offers it.
import { connect } from "nats";
import { Packr } from "msgpackr";
import { closedLoop, type Load, type Ran, sumOf } from "../closed-loop.ts";
import { serve, setting } from "../contestant.ts";
import { payload } from "../payload.ts";

const ACTORS = 1_000;
/** More gain nothing. */
const BATCH = 128;

const packr = new Packr({ structuredClone: true });
const nc = await connect({ servers: setting("NATS_URL"), noAsyncTraces: true });
/** As the library comes: who writes `request()` per call writes `connect({ servers })` before it. */
const asItComes = await connect({ servers: setting("NATS_URL") });
const ids = Array.from({ length: ACTORS }, (_, i) => `porter-${i}`);
let made = 0;

const open = new Map<number, (result: unknown) => void>();
let waiting: unknown[] = [];
let requests = 0;
const inbox = `raw.inbox.${process.pid}`;

nc.subscribe(inbox, {
  callback: (_, message) => {
    for (const [request, result] of packr.unpack(message.data) as readonly [number, unknown][]) {
      open.get(request)?.(result);
      open.delete(request);
    }
  },
});

function flush(): void {
  const all = waiting;
  waiting = [];
  for (let at = 0; at < all.length; at += BATCH)
    nc.publish("raw.batches", packr.pack(all.slice(at, at + BATCH)), { reply: inbox });
}

function batched(id: string, n: number): Promise<unknown> {
  return new Promise((resolve) => {
    const request = ++requests;
    open.set(request, resolve);
    if (waiting.length === 0) setImmediate(flush);
    waiting.push([request, id, "carry", payload(n % 1_000)]);
  });
}

async function single(id: string, n: number): Promise<unknown> {
  const call = packr.pack([0, id, "carry", payload(n % 1_000)]);
  return packr.unpack((await asItComes.request("raw.calls", call, { timeout: 10_000 })).data);
}

async function run(load: Load, call: (id: string, n: number) => Promise<unknown>): Promise<Ran> {
  const ran = await closedLoop({ ...load, actors: ACTORS }, made, (actor, n) =>
    call(ids[actor]!, n),
  );
  made += ran.calls;
  return ran;
}

serve({
  batched: (load: Load) => run(load, batched),
  request: (load: Load) => run(load, single),
  made: () => ({ calls: made, sum: sumOf(made) }),
});
