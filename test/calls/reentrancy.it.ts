// Calls that come back to where they came from, between three silo processes over NATS.
import { afterAll, beforeAll, expect, test } from "vitest";
import { rejection } from "../support/deferred.ts";
import { type CalledSilos, startSilos } from "./silos.ts";
import { Desk, Weaver } from "./weaver.ts";

let silos: CalledSilos;

beforeAll(async () => {
  silos = await startSilos();
}, 60_000);

afterAll(async () => {
  await silos[Symbol.asyncDispose]();
});

async function weavers(round: string): Promise<readonly string[]> {
  return await silos.spread(round, 3, (id) => silos.client.get(Weaver, id).silo());
}

test("under 'chain' a call that comes back over two other silos is let in, and its changes are part of the state", async () => {
  const [a, b, c] = await weavers("back");
  expect(await silos.client.get(Weaver, a!).weave("x", [b!, c!, a!])).toEqual([
    "x begins",
    "x''' begins",
    "x''' ends",
    "x ends",
  ]);
  expect(await silos.client.get(Weaver, c!).threads()).toEqual(["x'' begins", "x'' ends"]);
});

test("a throw of the outer turn takes back what came after the inner one, and no more", async () => {
  const [a, b, c] = await weavers("torn");
  const torn = silos.client.get(Weaver, a!).weave("x", [b!, c!, a!], true);
  expect(await rejection(torn)).toMatchObject({ name: "RangeError", message: "x" });
  expect(await silos.client.get(Weaver, a!).threads()).toEqual([
    "x begins",
    "x''' begins",
    "x''' ends",
  ]);
});

test("under 'full' calls of many clients run beside each other, and ctx.commit() alone saves", async () => {
  const desk = silos.client.get(Desk, "d");
  const held = [desk.hold("one"), desk.hold("two")];
  while ((await desk.papers()).length < 2);
  await desk.file();
  expect(await desk.letGo()).toBe(2);
  expect(await Promise.all(held)).toEqual([2, 2]);
  const lost = desk.hold("three");
  while ((await desk.papers()).length < 3);
  await desk.letGo();
  expect(await lost).toBe(3);
  await desk.leave();
  expect(await desk.papers()).toEqual(["one", "two"]);
  await desk.shred();
  await desk.leave();
  expect(await desk.papers()).toEqual([]);
});
