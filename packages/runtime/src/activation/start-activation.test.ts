import type { LoadAnswer } from "@tenure/core/internal";
import type { Acquired, Ownership } from "@tenure/directory/internal";
import { expect, test } from "vitest";
import type { RowStore } from "./row-store.ts";
import { claimAndLoad, type Started } from "./start-activation.ts";

const ACTOR = { type: "t", id: "i" };
const CLAIM = { token: "t1", generation: 5 };
const ROW: LoadAnswer = {
  ok: true,
  row: {
    meta: { format: 1, generation: 5, token: "t1", etag: "", version: 0, due: undefined },
    parts: new Map(),
  },
};

/** Starts an activation that is lost in the middle of the named step. */
async function lostDuring(step: "claim" | "load") {
  let wanted = true;
  const done: string[] = [];
  const ownership: Partial<Ownership> = {
    acquire: async (): Promise<Acquired> => {
      if (step === "claim") wanted = false;
      return { kind: "claimed", claim: CLAIM };
    },
    release: async (_actor, token) => {
      done.push(`release ${token}`);
      return true;
    },
  };
  const rows: Partial<RowStore> = {
    load: async () => {
      done.push("load");
      if (step === "load") wanted = false;
      return ROW;
    },
  };
  const started: Started = await claimAndLoad(ACTOR, {
    ownership: ownership as Ownership,
    rows: rows as RowStore,
    stateful: true,
    emit: () => undefined,
    version: 1,
    knowing: async () => undefined,
    wanted: () => wanted,
  });
  return { started, done };
}

test("an activation that is lost while it claims gives the claim up and raises no fence (R12)", async () => {
  expect(await lostDuring("claim")).toMatchObject({
    started: { kind: "unavailable" },
    done: ["release t1"],
  });
});

test("an activation that is lost while it loads gives the claim up (R12)", async () => {
  expect(await lostDuring("load")).toMatchObject({
    started: { kind: "unavailable" },
    done: ["load", "release t1"],
  });
});

test("a row that comes with the claim is not loaded again; one that is fenced is claimed above its fence (D8)", async () => {
  const floors: number[] = [];
  const ownership: Partial<Ownership> = {
    acquire: async (_actor, floor): Promise<Acquired> => {
      floors.push(floor!);
      const row: LoadAnswer =
        floors.length === 1 ? { ok: false, refusal: "fenced", generation: 9 } : ROW;
      return { kind: "claimed", claim: CLAIM, row };
    },
  };
  const started = await claimAndLoad(ACTOR, {
    ownership: ownership as Ownership,
    rows: {} as RowStore,
    stateful: true,
    emit: () => undefined,
    version: 1,
    knowing: async () => undefined,
    wanted: () => true,
  });
  expect(started).toMatchObject({ kind: "owned", claim: CLAIM, row: ROW.ok && ROW.row });
  expect(floors).toEqual([0, 9]);
});
