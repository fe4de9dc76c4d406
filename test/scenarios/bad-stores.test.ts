// Stores that refuse, hang, answer late or twice, or lose their newest writes: calls fail typed and in time, nothing that was
// acknowledged is contradicted, and everything heals.
import { Actor, CallError, defineActor } from "tenure";
import { expect, test } from "vitest";
import { testSilos, type TestSilos } from "../../packages/testing/src/test-silos.ts";
import {
  BadStore,
  MISBEHAVIOURS,
  type Misbehaviour,
  type Operation,
} from "../support/bad-store.ts";

class List extends Actor<{ items: string[] }> {
  static readonly actor = defineActor<List>({
    type: "list",
    state: () => ({ items: [] }),
    methods: { all: "read" },
  });
  async add(item: string) {
    this.state.items.push(item);
    return [...this.state.items];
  }
  all() {
    return this.state.items;
  }
}

const CALL_MS = 8_000;
/** A call may end a step of the test's clock after its time. */
const STEP_MS = 50;

type Ended<T> = { readonly ok: T } | { readonly error: unknown };

/** What a call came to, and that it came to it in its time. */
async function inTime<T>(t: TestSilos, call: Promise<T> | T): Promise<Ended<T>> {
  let ended: Ended<T> | undefined;
  Promise.resolve(call).then(
    (ok) => (ended = { ok }),
    (error: unknown) => (ended = { error }),
  );
  for (let waitedMs = 0; !ended && waitedMs <= CALL_MS + STEP_MS; waitedMs += STEP_MS)
    await t.clock.advance(STEP_MS);
  if (!ended) throw new Error(`a call has not ended in ${CALL_MS} ms`);
  return ended;
}

async function clusterOver(store: BadStore): Promise<TestSilos> {
  return await testSilos({
    actors: [List],
    silos: 2,
    directory: store.directory,
    storage: store.storage,
    options: { callTimeoutMs: CALL_MS },
  });
}

/** An actor that lives already meets these; the others are met by one that does not live yet. */
const WHILE_IT_LIVES: ReadonlySet<Operation> = new Set(["save", "verify", "parts", "release"]);
const OPERATIONS: readonly Operation[] = [
  "claim",
  "lookup",
  "load",
  "save",
  "verify",
  "parts",
  "release",
];

test.for(OPERATIONS.flatMap((operation) => MISBEHAVIOURS.map((how) => [operation, how] as const)))(
  "when asked to %s the store %s: every call ends typed and in time, what was acknowledged is there, and all heals",
  async ([operation, how]) => {
    const store = new BadStore();
    await using t = await clusterOver(store);
    const list = t.silos[0]!.client.get(List, "l");
    const keyed = list.$with({ idempotencyKey: "key" });
    await list.add("before");
    if (operation === "parts") await keyed.add("keyed");
    // Only the header of a recorded result is in memory of a new activation: its repeat asks for the parts.
    if (!WHILE_IT_LIVES.has(operation) || operation === "parts")
      await inTime(t, t.silos[0]!.admin.deactivate("list", "l"));

    store.misbehave(operation, how);
    const during = await inTime(t, meanwhile(t, operation));
    expect(store.misbehaved).toBeGreaterThan(0);
    store.heal();
    await t.clock.advance(2 * CALL_MS);
    expect(await inTime(t, list.add("after"))).toMatchObject({ ok: expect.any(Array) as unknown });
    const end = await inTime(t, list.all());
    expect(end).toMatchObject({ ok: expect.any(Array) as unknown });
    const items = (end as { readonly ok: readonly string[] }).ok;
    const promised = ["before", ...(operation === "parts" ? ["keyed"] : []), "after"];
    expect(items.filter((item) => item !== "during")).toEqual(promised);
    expect(contradictions(during, items)).toEqual([]);
  },
);

/** What the call was told that is not so. */
function contradictions(during: Ended<readonly string[]>, items: readonly string[]): string[] {
  const times = items.filter((item) => item === "during").length;
  const found: string[] = [];
  if (times > 1) found.push(`it is there ${times} times`);
  if ("ok" in during) {
    const shown = during.ok.every((item, i) => items[i] === item);
    if (!shown) found.push(`it was shown ${during.ok.join()}; there are ${items.join()}`);
  } else if (!(during.error instanceof CallError)) found.push(`not typed: ${String(during.error)}`);
  else if (during.error.outcome === "not-executed" && times > 0) found.push("it was executed");
  return found;
}

/** A call that needs the operation. */
function meanwhile(t: TestSilos, operation: Operation): Promise<readonly string[]> {
  const list = t.silos[0]!.client.get(List, "l");
  switch (operation) {
    case "verify":
      return Promise.resolve(list.$with({ strictReads: true }).all());
    case "parts":
      return list.$with({ idempotencyKey: "key" }).add("keyed");
    case "release": {
      const ended = t.silos[0]!.admin.deactivate("list", "l").catch(() => false);
      return ended.then(() => list.add("during"));
    }
    case "lookup":
      // Who has called the actor before does not ask where it is.
      return t.silos[1]!.client.get(List, "l").add("during");
    default:
      return list.add("during");
  }
}

test("a store that is bad for one batch of saves tells its callers the truth: unknown only for what may be there, and may not be", async () => {
  const outcomes = new Map<Misbehaviour, string>();
  for (const how of MISBEHAVIOURS) {
    const store = new BadStore();
    await using t = await clusterOver(store);
    const list = t.silos[0]!.client.get(List, "l");
    await list.add("before");
    store.misbehave("save", how);
    const during = await inTime(t, list.add("during"));
    outcomes.set(how, "ok" in during ? "ok" : (during.error as CallError).outcome);
  }
  expect(Object.fromEntries(outcomes)).toEqual({
    // Nobody knows what a store has done that answers nothing.
    refuses: "unknown",
    "refuses what it has done": "unknown",
    hangs: "unknown",
    "hangs after it has done it": "unknown",
    // The answer to a save that was given up is an answer all the same (P6), and a save that comes again is the same save (R8).
    "answers late": "ok",
    "does it late": "ok",
    "answers twice": "ok",
  });
});

test("a storage that loses its last second of writes loses them, and forks nothing: the next save is refused, and what follows builds on what is there", async () => {
  const store = new BadStore();
  await using t = await clusterOver(store);
  const list = t.silos[0]!.client.get(List, "l");
  await list.add("kept");
  await t.clock.advance("2s");
  expect(await list.add("lost")).toEqual(["kept", "lost"]);
  await store.lose(1_000);
  // Its silo remembers more than the store has. Nothing that it computes from that counts.
  expect(await inTime(t, list.add("next"))).toEqual({ ok: ["kept", "next"] });
  expect(t.events.filter(({ type }) => type === "activation.fenced")).toHaveLength(1);
  for (const { client } of t.silos)
    expect(await inTime(t, client.get(List, "l").all())).toEqual({ ok: ["kept", "next"] });
});

test("a storage that loses the second in which an actor was loaded does not know its owner any more, and the actor is loaded anew", async () => {
  const store = new BadStore();
  await using t = await clusterOver(store);
  await t.silos[0]!.client.get(List, "other").add("kept");
  await t.clock.advance("2s");
  const list = t.silos[0]!.client.get(List, "l");
  await list.add("lost");
  await store.lose(1_000);
  expect(await inTime(t, list.add("next"))).toEqual({ ok: ["next"] });
  const other = t.silos[1]!.client.get(List, "other");
  expect(await inTime(t, other.add("more"))).toEqual({ ok: ["kept", "more"] });
});
