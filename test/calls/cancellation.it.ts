// Callers that give up, and deadlines, between silo processes over NATS.
import { type CallError, CancelledError } from "tenure";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Patient, type Told } from "./patient.ts";
import { type CalledSilos, startSilos } from "./silos.ts";

let silos: CalledSilos;

beforeAll(async () => {
  silos = await startSilos();
}, 60_000);

afterAll(async () => {
  await silos[Symbol.asyncDispose]();
});

function told(name: string, code: string): Promise<Told> {
  return silos.said(
    (message): message is Told =>
      (message as Told).told === name && (message as Told).code === code,
  );
}

function failure(call: Promise<unknown>): Promise<CallError> {
  return call.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as CallError,
  );
}

test("calls that wait on a silo of another process leave its mailbox when they are given up: none runs, and all places are free", async () => {
  const patient = silos.client.get(Patient, "queue");
  const held = patient.hold("held");
  const controller = new AbortController();
  const { signal } = controller;
  const given = Array.from({ length: 20 }, (_unused, i) =>
    failure(patient.$with({ signal }).work(`given up ${i}`)),
  );
  await patient.arrived();
  // One more is refused, until its time is up; the last answer may come after that.
  const oneMore = await failure(patient.$with({ timeoutMs: 200 }).work("one more"));
  expect(["OVERLOADED", "CALL_TIMEOUT"]).toContain(oneMore.code);
  controller.abort();
  for (const error of await Promise.all(given)) expect(error).toBeInstanceOf(CancelledError);
  const kept = Array.from({ length: 20 }, (_unused, i) => patient.work(`kept ${i}`));
  await patient.arrived();
  while (!(await patient.let()));
  await Promise.all([held, ...kept]);
  // Had one of them been refused first, it would have come back later than the others: each waits for a time of its own.
  expect(await patient.done()).toEqual([
    "held",
    ...Array.from({ length: 20 }, (_unused, i) => `kept ${i}`),
  ]);
});

test("who gives up a call is told so at once, and every silo of its chain, to which the signal was handed on, a moment later", async () => {
  const ROUNDS = 11;
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const name = `chain${round}`;
    const [first, ...others] = await silos.spread(name, 3, (id) =>
      silos.client.get(Patient, id).silo(),
    );
    const controller = new AbortController();
    const { signal } = controller;
    const patient = silos.client.get(Patient, first!);
    const given = failure(patient.$with({ signal }).heedThrough(name, ...others));
    await told(name, "BEGUN");
    const beganMs = performance.now();
    controller.abort();
    const error = await given;
    expect(error).toBeInstanceOf(CancelledError);
    expect(error.outcome).toBe("unknown");
    await told(name, "CANCELLED");
    took.push(performance.now() - beganMs);
    // The turns have ended, and nothing of them is left.
    for (const id of [first!, ...others])
      expect(await silos.client.get(Patient, id).done()).toEqual([]);
  }
  took.sort((a, b) => a - b);
  console.log(
    `a turn at the end of a chain over three silos is told after: median ${took[ROUNDS >> 1]!.toFixed(1)} ms, ${took[0]!.toFixed(1)} to ${took.at(-1)!.toFixed(1)}, of ${ROUNDS}`,
  );
});

test("a turn at the end of a chain over three silos is told when its first caller's time is up", async () => {
  const [first, ...others] = await silos.spread("late", 3, (id) =>
    silos.client.get(Patient, id).silo(),
  );
  const patient = silos.client.get(Patient, first!).$with({ timeoutMs: 300 });
  const error = await failure(patient.heedThrough("late", ...others));
  expect(error).toMatchObject({ code: "CALL_TIMEOUT", outcome: "unknown" });
  // By itself it would have ten seconds. Its own deadline, or the caller before it, whose deadline is the same.
  const last = await silos.said(
    (message): message is Told =>
      (message as Told).told === "late" && (message as Told).code !== "BEGUN",
  );
  expect(["CALL_TIMEOUT", "CANCELLED"]).toContain(last.code);
  expect(await silos.client.get(Patient, others.at(-1)!).done()).toEqual([]);
});
