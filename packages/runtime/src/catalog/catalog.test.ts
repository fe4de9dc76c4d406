import { Actor, defineActor } from "@tenure/core";
import { actorKind, type CallResult, valueBody } from "@tenure/core/internal";
import type { Acquired, Claim, Ownership } from "@tenure/directory/internal";
import { expect, test } from "vitest";
import { deferred, nextTurn } from "../../../../test/support/deferred.ts";
import { VirtualClock } from "../../../testing/src/virtual-clock.ts";
import { runtimeRules } from "../rules.ts";
import { Catalog, type CatalogDeps } from "./catalog.ts";

class Plain extends Actor<never> {
  static readonly actor = defineActor<Plain>({ type: "plain" });
  go() {}
}

/** Each look at it takes a while. */
class SlowClock extends VirtualClock {
  turns = 0;
  #looks = 0;
  #aheadMs = 0;
  override monotonicMs(): number {
    return 4 * ++this.#looks + this.#aheadMs;
  }
  later(ms: number): void {
    this.#aheadMs += ms;
  }
  override afterTurn(fn: () => void): void {
    this.turns += 1;
    super.afterTurn(fn);
  }
}

test("a drain takes a slice of each turn of the event loop, and ends with the last activation (G6)", async () => {
  const kind = actorKind(Plain);
  const clock = new SlowClock();
  const claim = deferred<Acquired>();
  const deps: Partial<CatalogDeps> = {
    rules: runtimeRules,
    clock,
    ownership: { acquire: () => claim.promise } as Partial<Ownership> as Ownership,
    emit: () => undefined,
  };
  const catalog = new Catalog(deps as CatalogDeps);
  for (let i = 0; i < 30; i++) catalog.activate({ type: "plain", id: String(i) }, kind);
  let drained = false;
  const drain = catalog.drain().then(() => (drained = true));
  for (let i = 0; i < 20; i++) await nextTurn();
  expect([clock.turns, catalog.size, drained]).toEqual([10, 30, false]);
  claim.resolve({ kind: "unavailable", why: "no directory" });
  await drain;
  expect(catalog.size).toBe(0);
});

test("a sweep takes a small part of the time, and ends all that are idle (G6)", async () => {
  const kind = actorKind(Plain);
  const clock = new SlowClock();
  let released = 0;
  const ownership: Partial<Ownership> = {
    acquire: () =>
      Promise.resolve({ kind: "claimed", claim: { generation: 1, token: "t" } as Claim }),
    release: () => Promise.resolve(++released > 0),
  };
  const deps: Partial<CatalogDeps> = {
    rules: runtimeRules,
    clock,
    ownership: ownership as Ownership,
    interceptors: [],
    emit: () => undefined,
  };
  const catalog = new Catalog(deps as CatalogDeps);
  for (let i = 0; i < 30; i++) catalog.activate({ type: "plain", id: String(i) }, kind);
  for (let i = 0; i < 5; i++) await nextTurn();
  expect([...catalog.activations()].map(({ state }) => state)).toEqual(Array(30).fill("active"));
  clock.later(kind.definition.idleMs as number);
  const stop = new AbortController();
  const sweeping = catalog.collectIdle(clock, stop.signal).catch(() => undefined);
  await clock.advance("1s");
  // Here each look at the clock takes 4 ms, so that it rests after each of them, for another 4.
  for (const ended of [1, 11, 21, 30]) {
    expect([released, catalog.size]).toEqual([ended, 30 - ended]);
    await clock.advance("40ms");
  }
  stop.abort();
  await sweeping;
});

test("a silo with all the activations that it may have refuses another actor, typed, until one has ended (G3, I12)", async () => {
  const kind = actorKind(Plain);
  const claims: ReturnType<typeof deferred<Acquired>>[] = [];
  const acquire = (): Promise<Acquired> => {
    const claim = deferred<Acquired>();
    claims.push(claim);
    return claim.promise;
  };
  // What an activation needs until it is owned.
  const deps: Partial<CatalogDeps> = {
    rules: runtimeRules,
    clock: new VirtualClock(),
    ownership: { acquire } as Partial<Ownership> as Ownership,
    emit: () => undefined,
  };
  const catalog = new Catalog(deps as CatalogDeps, 1);
  const replies: [string, CallResult][] = [];
  const call = (id: string): void =>
    catalog.deliver(
      {
        request: 1,
        from: "f".repeat(32),
        actor: { type: "plain", id },
        method: kind.methods.get("go")!,
        args: valueBody([]),
        key: undefined,
        chain: [],
        repeatable: false,
        strict: false,
        deadlineMs: Infinity,
        snapshot: valueBody,
        reply: (result) => void replies.push([id, result]),
        abandon: () => undefined,
      },
      kind,
      0,
    );
  call("a");
  call("b");
  call("a");
  expect(replies).toMatchObject([
    ["b", { status: "refused", reason: "overloaded", retryAfterMs: 1_000 }],
  ]);
  expect(claims).toHaveLength(1);
  expect(catalog.size).toBe(1);
  claims[0]!.resolve({ kind: "unavailable", why: "no directory" });
  await nextTurn();
  expect(catalog.size).toBe(0);
  call("b");
  expect(claims).toHaveLength(2);
  expect(replies.filter(([id]) => id === "b")).toHaveLength(1);
});
