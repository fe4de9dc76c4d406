// What becomes of calls, between three silo processes over NATS: of repeated ones, of too many, and of those that a dead silo had.
import { CallTimeoutError, OverloadedError, SiloUnavailableError } from "tenure";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rejection } from "../support/deferred.ts";
import { Patient } from "./patient.ts";
import { type CalledSilos, SILOS, startSilos } from "./silos.ts";

const QUEUE = 20;
let silos: CalledSilos;

beforeAll(async () => {
  silos = await startSilos();
}, 60_000);

afterAll(async () => {
  await silos[Symbol.asyncDispose]();
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}

test("a repeated key runs nothing over NATS and gets the recorded result, whichever client repeats it", async () => {
  const patient = silos.client.get(Patient, "keyed");
  const again = silos.otherClient.get(Patient, "keyed");
  for (const key of ["k", { sender: "desk", sequence: 7 }] as const) {
    await patient.$with({ idempotencyKey: key }).work(`by ${typeof key}`);
    await again.$with({ idempotencyKey: key }).work(`by ${typeof key}`);
    const other = await rejection(again.$with({ idempotencyKey: key }).work("another"));
    expect(other).toMatchObject({ code: "INVALID_ARGUMENT", outcome: "not-executed" });
  }
  const older = again.$with({ idempotencyKey: { sender: "desk", sequence: 6 } }).work("older");
  expect(await rejection(older)).toMatchObject({ outcome: "not-executed" });
  expect(await patient.done()).toEqual(["by string", "by object"]);
});

test("a retry with its key joins the call that runs, over NATS, and both get its result", async () => {
  const patient = silos.client.get(Patient, "joined").$with({ idempotencyKey: "once" });
  const again = silos.otherClient.get(Patient, "joined").$with({ idempotencyKey: "once" });
  const first = patient.hold("once");
  await silos.client.get(Patient, "joined").arrived();
  const second = again.hold("once");
  await until(() => silos.client.get(Patient, "joined").let());
  await Promise.all([first, second]);
  expect(await silos.client.get(Patient, "joined").done()).toEqual(["once"]);
});

test("a strict read over NATS is confirmed by the store", async () => {
  await silos.client.get(Patient, "strict").work("x");
  const strict = silos.otherClient.get(Patient, "strict").$with({ strictReads: true });
  expect(await strict.done()).toEqual(["x"]);
});

test("more calls than a mailbox takes are refused over NATS, with the time after which to come back, while another actor answers", async () => {
  const patient = silos.client.get(Patient, "full");
  const held = patient.hold("first");
  await patient.arrived();
  const many = Array.from({ length: 2 * QUEUE }, (_, n) =>
    patient.$with({ timeoutMs: 1_500 }).work(`${n}`),
  );
  const settled = Promise.allSettled(many);
  expect(await silos.otherClient.get(Patient, "beside").done()).toEqual([]);
  const results = await settled;
  const errors = results.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  const overloaded = errors.filter((error) => error instanceof OverloadedError);
  expect(overloaded.length).toBe(QUEUE);
  for (const error of overloaded) {
    expect(error.outcome).toBe("not-executed");
    expect(error.retryAfterMs).toBeGreaterThan(0);
  }
  await until(() => patient.let());
  await held;
});

test(
  "a call that a killed silo was running ends 'unknown' when its death is known, long before its time is up",
  { timeout: 60_000 },
  async () => {
    const [id] = await silos.spread("killed", 1, (each) => silos.client.get(Patient, each).silo());
    const call = silos.client.get(Patient, id!).$with({ timeoutMs: 120_000 }).hold("never");
    const failed = rejection(call);
    await silos.client.get(Patient, id!).arrived();
    silos.kill(SILOS[0]);
    const error = await failed;
    expect(error).toBeInstanceOf(SiloUnavailableError);
    expect(error).not.toBeInstanceOf(CallTimeoutError);
    expect(error).toMatchObject({ outcome: "unknown" });
    // Another has the actor by now.
    expect(await silos.client.get(Patient, id!).done()).toEqual([]);
  },
);
