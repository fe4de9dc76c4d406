// By hand: what an activation and a durable write ask of Redis, with scripts of one's own. `variadic` sends all of one turn of
// the event loop in one script, `single` a script for each, `sequential` each when the one before is answered.
import { createHash, randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { Packr } from "msgpackr";
import { closedLoop, type Load, type Ran, sumOf } from "../closed-loop.ts";
import { mustEqual, serve, setting } from "../contestant.ts";

const ACTORS = 1_000;
const BATCH = 256;
const redis = new Redis(setting("REDIS_URL"));
const packr = new Packr({ structuredClone: true });
const token = randomBytes(16).toString("hex");

interface Row {
  calls: number;
  sum: number;
  owner: string;
}

/** A fenced write: token and etag of the row must be the writer's. ARGV: token, then per write: key, etag, new etag, state. */
const WRITE = `
local done = 0
for i = 2, #ARGV, 4 do
  local row = redis.call('HMGET', ARGV[i], 'token', 'etag')
  if (not row[1] or row[1] == ARGV[1]) and (row[2] or '') == ARGV[i + 1] then
    redis.call('HSET', ARGV[i], 'token', ARGV[1], 'etag', ARGV[i + 2], 'state', ARGV[i + 3])
    done = done + 1
  end
end
return done`;

/** ARGV: owner, then per claim: entry key, token. Each must be free; the owner must be alive. */
const CLAIM = `
if redis.call('HGET', 'raw:member', 'state') ~= 'alive' then return 0 end
local generation = tonumber(redis.call('GET', 'raw:counter') or '0')
local done = 0
for i = 2, #ARGV, 2 do
  if not redis.call('HGET', ARGV[i], 'owner') then
    generation = generation + 1
    redis.call('HSET', ARGV[i], 'owner', ARGV[1], 'token', ARGV[i + 1], 'generation', generation)
    done = done + 1
  end
end
redis.call('SET', 'raw:counter', generation)
return done`;

/** ARGV: per load: key, token. Raises the fence, and answers the state. */
const LOAD = `
local found = {}
for i = 1, #ARGV, 2 do
  local row = redis.call('HMGET', ARGV[i], 'etag', 'state')
  redis.call('HSET', ARGV[i], 'token', ARGV[i + 1])
  found[#found + 1] = row
end
return found`;

type Argument = string | Uint8Array;

const shas = new Map<string, string>();
async function script(text: string, args: readonly Argument[]): Promise<unknown> {
  const sha = shas.get(text)!;
  return await redis.callBuffer("EVALSHA", sha, 0, ...(args as (string | Buffer)[]));
}
for (const text of [WRITE, CLAIM, LOAD]) {
  await redis.script("LOAD", text);
  shas.set(text, createHash("sha1").update(text).digest("hex"));
}
await redis.hset("raw:member", "state", "alive");

/** Gathers what one turn of the event loop asks for. */
class Batches<Q, A> {
  readonly #run: (batch: readonly Q[]) => Promise<readonly A[]>;
  #waiting: { readonly asked: Q; readonly resolve: (answer: A) => void }[] = [];

  constructor(run: (batch: readonly Q[]) => Promise<readonly A[]>) {
    this.#run = run;
  }

  ask(asked: Q): Promise<A> {
    return new Promise((resolve) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ asked, resolve });
    });
  }

  #flush(): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < all.length; at += BATCH) {
      const batch = all.slice(at, at + BATCH);
      void this.#run(batch.map(({ asked }) => asked)).then((answers) => {
        for (const [i, { resolve }] of batch.entries()) resolve(answers[i]!);
      });
    }
  }
}

interface Write {
  readonly key: string;
  readonly etag: string;
  readonly newEtag: string;
  readonly state: Uint8Array;
}

async function writeAll(batch: readonly Write[]): Promise<readonly true[]> {
  const args: Argument[] = [token];
  for (const { key, etag, newEtag, state } of batch) args.push(key, etag, newEtag, state);
  const done = await script(WRITE, args);
  mustEqual("writes", Number(done), batch.length);
  return batch.map(() => true);
}

const writes = new Batches(writeAll);
const claims = new Batches<readonly [string, string], true>(async (batch) => {
  mustEqual("claims", Number(await script(CLAIM, [token, ...batch.flat()])), batch.length);
  return batch.map(() => true);
});
const loads = new Batches<readonly [string, string], readonly Buffer[]>(
  async (batch) => (await script(LOAD, batch.flat())) as readonly (readonly Buffer[])[],
);

const actors = Array.from({ length: ACTORS }, (_, i) => ({
  key: `raw:row:ledger-${i}`,
  etag: "",
  row: { calls: 0, sum: 0, owner: "somebody" } as Row,
}));
const hot = { key: "raw:row:hot", etag: "", row: { calls: 0, sum: 0, owner: "somebody" } as Row };
let made = 0;
let madeHot = 0;
let etags = 0;
let activated = 0;

function change(actor: (typeof actors)[number], n: number): Write {
  actor.row.calls += 1;
  actor.row.sum += n;
  const { key, etag } = actor;
  const newEtag = `${token}${++etags}`;
  actor.etag = newEtag;
  return { key, etag, newEtag, state: packr.pack(actor.row) };
}

async function run(load: Load, write: (asked: Write) => Promise<unknown>): Promise<Ran> {
  const ran = await closedLoop({ ...load, actors: ACTORS }, made, (actor, n) =>
    write(change(actors[actor]!, n % 1_000)),
  );
  made += ran.calls;
  return ran;
}

async function stored(key: string): Promise<Row> {
  return packr.unpack((await redis.hgetBuffer(key, "state"))!) as Row;
}

serve({
  variadic: (load: Load) => run(load, (write) => writes.ask(write)),
  single: (load: Load) => run(load, (write) => writeAll([write])),
  sequential: async (load: Load) => {
    const ran = await closedLoop({ ...load, actors: 1, outstanding: 1 }, madeHot, (_, n) =>
      writeAll([change(hot, n % 1_000)]),
    );
    madeHot += ran.calls;
    return ran;
  },
  /** Rows for so many actors that nobody has claimed. */
  seed: async ({ actors: count }: { readonly actors: number }) => {
    for (let at = 0; at < count; at += 1_000) {
      const args: Argument[] = [""];
      for (let i = at; i < Math.min(count, at + 1_000); i++)
        args.push(`raw:row:idle-${i}`, "", "e", packr.pack({ calls: 1, sum: i, owner: "x" }));
      await script(WRITE, args);
    }
  },
  activate: async (load: Load) => {
    const ran = await closedLoop({ ...load, actors: Infinity }, activated, async (_, n) => {
      const own = `${token}${n}`;
      await claims.ask([`raw:entry:idle-${n}`, own]);
      const [, state] = await loads.ask([`raw:row:idle-${n}`, own]);
      mustEqual("state", (packr.unpack(state!) as Row).sum, n);
    });
    activated += ran.calls;
    return ran;
  },
  check: async () => {
    const rows = await Promise.all(actors.filter(({ etag }) => etag).map(({ key }) => stored(key)));
    mustEqual(
      "calls",
      rows.reduce((all, { calls }) => all + calls, 0),
      made,
    );
    mustEqual(
      "sum",
      rows.reduce((all, { sum }) => all + sum, 0),
      sumOf(made),
    );
    if (madeHot > 0) mustEqual("hot calls", (await stored(hot.key)).calls, madeHot);
    mustEqual("activations", Number((await redis.get("raw:counter")) ?? 0), activated);
  },
});
