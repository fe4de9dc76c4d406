// What a client gets of what an actor throws, directly and through actors on three silo processes over NATS.
import { errorToRecord } from "@tenure/core/internal";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CalledSilos, startSilos } from "./silos.ts";
import { Limit, THROWN, Thrower } from "./thrower.ts";

let silos: CalledSilos;
let chain: readonly string[];

beforeAll(async () => {
  silos = await startSilos();
  chain = await silos.spread("t", 3, (id) => silos.client.get(Thrower, id).silo());
}, 60_000);

afterAll(async () => {
  await silos[Symbol.asyncDispose]();
});

async function thrownBy(call: Promise<void>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

test("whatever an actor throws arrives through three silos as it arrives from one", async () => {
  const [first, ...others] = chain;
  const thrower = silos.client.get(Thrower, first!);
  const arrived = new Map<string, unknown>();
  for (const what of Object.keys(THROWN)) {
    const direct = await thrownBy(thrower.throwIt(what));
    const through = await thrownBy(thrower.throwThrough(what, ...others));
    expect([what, errorToRecord(through)]).toEqual([what, errorToRecord(direct)]);
    arrived.set(what, through);
  }
  const defined = arrived.get("defined");
  expect(Limit.is(defined) && defined.data).toEqual({ limit: 7, seen: new Map([["a", 1n]]) });
  expect((defined as Error).cause).toBeInstanceOf(RangeError);
  const all = arrived.get("aggregate") as AggregateError;
  expect(all.errors).toEqual([expect.any(TypeError), "two", null]);
  expect(arrived.get("abort")).toBeInstanceOf(DOMException);
  expect([arrived.get("text"), arrived.get("null")]).toEqual(["x", null]);
  for (const what of ["symbol", "hostile"])
    expect(arrived.get(what)).toMatchObject({
      message: expect.stringContaining("a value that cannot travel was thrown") as unknown,
      notSerialized: ["thrown"],
    });
  expect(arrived.get("partly")).toMatchObject({ fine: 1, notSerialized: ["socket"] });
});

test("an error that comes through three silos shows where each of them was, innermost first", async () => {
  const [first, ...others] = chain;
  const error = (await thrownBy(
    silos.client.get(Thrower, first!).throwThrough("partly", ...others),
  )) as Error;
  const places = [
    "Thrower.throwIt",
    `--- through thrower/${others[0]}.throwThrough ---`,
    `--- through thrower/${first}.throwThrough ---`,
  ].map((place) => error.stack!.indexOf(place));
  expect(Math.min(...places)).toBeGreaterThan(0);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});
