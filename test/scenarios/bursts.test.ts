// Bursts of calls inside one silo, which skip the transport (X3).
import { Actor, type ActorClient, defineActor } from "tenure";
import { expect, test } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";

let outside: ActorClient;
/** How many calls are inside each other on the stack, now and at most. */
const nesting = { now: 0, most: 0 };

class Link extends Actor {
  static readonly actor = defineActor<Link>({ type: "link" });
  /** Each call is made by the client of the silo, as code would that knows no `ctx`: no chain bounds its depth. */
  async count(n: number): Promise<number> {
    nesting.now += 1;
    nesting.most = Math.max(nesting.most, nesting.now);
    const next = n === 0 ? undefined : outside.get(Link, `link ${n}`).count(n - 1);
    nesting.now -= 1;
    return next ? 1 + (await next) : 0;
  }
  async warm() {}
}

test("thousands of actors that call each other, each from inside the other's call, do not overflow the stack", async () => {
  await using t = await testSilos({ actors: [Link] });
  outside = t.silos[0]!.client;
  const depth = 3_000;
  await Promise.all(
    Array.from({ length: depth + 1 }, (_unused, n) => outside.get(Link, `link ${n}`).warm()),
  );
  expect(await outside.get(Link, "link first").count(depth)).toBe(depth);
  // A stack of the usual size holds some hundreds.
  expect(nesting.most).toBeLessThan(40);
  expect(internalsOf(t.silos[0]!).held).toBe(0);
});

test("a burst of calls to an actor keeps its order, and lets timers run in between", async () => {
  const seen: number[] = [];
  class Counter extends Actor {
    static readonly actor = defineActor<Counter>({ type: "counter" });
    note(n: number) {
      seen.push(n);
    }
    /** Computes for a millisecond. */
    toil(n: number) {
      seen.push(n);
      void t.clock.suspend(1);
    }
  }
  await using t = await testSilos({ actors: [Counter] });
  const counter = t.silos[0]!.client.get(Counter, "c");
  await counter.note(-1);
  const burst = async (method: "note" | "toil", calls: number): Promise<number> => {
    seen.length = 0;
    let turnsOfTheLoop = 0;
    const tick = (): void => {
      turnsOfTheLoop += 1;
      if (seen.length < calls) setImmediate(tick);
    };
    setImmediate(tick);
    await Promise.all(Array.from({ length: calls }, (_unused, n) => counter[method](n)));
    expect(seen).toEqual(Array.from({ length: calls }, (_unused, n) => n));
    return turnsOfTheLoop;
  };
  // However short they are: time stands still here.
  expect(await burst("note", 45_000)).toBeGreaterThanOrEqual(4);
  // And after ten milliseconds each time, however few they are; the first and the last are not counted.
  expect(await burst("toil", 100)).toBeGreaterThanOrEqual(8);
});

test("as many short calls as may wait are served one after another, however few frames the stack has", async () => {
  let open: () => void = () => undefined;
  class Gatekeeper extends Actor {
    static readonly actor = defineActor<Gatekeeper>({ type: "gatekeeper" });
    #passed = 0;
    async wait() {
      await new Promise<void>((resolve) => {
        open = resolve;
      });
    }
    pass() {
      return ++this.#passed;
    }
  }
  await using t = await testSilos({ actors: [Gatekeeper] });
  const gatekeeper = t.silos[0]!.client.get(Gatekeeper, "g");
  const waited = gatekeeper.wait();
  const passed = Array.from({ length: 9_999 }, () => gatekeeper.pass());
  await t.clock.settle();
  open();
  await waited;
  expect(await Promise.all(passed)).toEqual(passed.map((_, i) => i + 1));
});
