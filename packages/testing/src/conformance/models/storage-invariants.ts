// What must hold between two states of a storage, whatever was asked (see invariants.ts).
import { isDeepStrictEqual } from "node:util";
import { formatActor, ROW_FORMAT } from "@tenure/core/internal";
import type { Invariant } from "./invariants.ts";
import { decideStorage, type ModelRow, type StorageStep } from "./storage-model.ts";

export const STORAGE_INVARIANTS: readonly Invariant<StorageStep>[] = [
  {
    rule: "S1",
    says: "a row stays, and only the one that was named is touched",
    holds: ({ before, ask, after }) =>
      [...before.rows.keys()].every((key) => after.rows.has(key)) &&
      [...after.rows].every(
        ([key, row]) =>
          key === formatActor(ask.request.actor) || isDeepStrictEqual(row, before.rows.get(key)),
      ),
  },
  {
    rule: "O4, I1",
    says: "the row's claim changes only by a load that was granted, to its own, and only upwards",
    holds: (step) => {
      const { was, is } = rowOf(step);
      if (!is || (was && sameClaim(was.meta, is.meta))) return true;
      const { op, request } = step.ask;
      return (
        op === "load" &&
        isGranted(step) &&
        sameClaim(is.meta, request) &&
        (!was || is.meta.generation > was.meta.generation)
      );
    },
  },
  {
    rule: "O4, I3",
    says: "a load that is granted has raised the fence to its claim",
    holds: (step) => {
      const { is } = rowOf(step);
      if (step.ask.op !== "load" || !isGranted(step)) return true;
      return is !== undefined && sameClaim(is.meta, step.ask.request);
    },
  },
  {
    rule: "O4",
    says: "a load changes nothing but the claim, and begins a row that is empty",
    holds: (step) => {
      if (step.ask.op !== "load" || step.before === step.after) return true;
      const { was, is } = rowOf(step);
      if (!is) return false;
      const { etag, version, due } = is.meta;
      if (!was) return etag === "" && version === 0 && due === undefined && is.parts.size === 0;
      return (
        etag === was.meta.etag &&
        version === was.meta.version &&
        due === was.meta.due &&
        isDeepStrictEqual(is.parts, was.parts)
      );
    },
  },
  {
    rule: "O5, I2, R9",
    says: "a save replaces only the row that it was computed from, under its own claim, and creates none",
    holds: (step) => {
      if (step.ask.op !== "save" || step.before === step.after) return true;
      const { request } = step.ask;
      const { was, is } = rowOf(step);
      return (
        was !== undefined &&
        is !== undefined &&
        sameClaim(was.meta, request) &&
        was.meta.etag === request.etag &&
        is.meta.etag === request.newEtag &&
        is.meta.version === was.meta.version + 1 &&
        is.meta.due === request.due
      );
    },
  },
  {
    rule: "S2",
    says: "a save puts and deletes what it names, and nothing else",
    holds: (step) => {
      if (step.ask.op !== "save" || step.before === step.after) return true;
      const { put, del } = step.ask.request;
      const { was, is } = rowOf(step);
      const names = new Set([
        ...(was?.parts.keys() ?? []),
        ...(is?.parts.keys() ?? []),
        ...put.keys(),
      ]);
      return [...names].every((name) => {
        const kept = del.includes(name) ? undefined : was?.parts.get(name);
        return isDeepStrictEqual(is?.parts.get(name), put.get(name) ?? kept);
      });
    },
  },
  {
    rule: "O5",
    says: "a save that is granted is in the row",
    holds: (step) =>
      step.ask.op !== "save" ||
      !isGranted(step) ||
      rowOf(step).is?.meta.etag === step.ask.request.newEtag,
  },
  {
    rule: "S5",
    says: "a row of a newer format is left as it is",
    holds: (step) => {
      const { was, is } = rowOf(step);
      return !was || was.meta.format <= ROW_FORMAT || isDeepStrictEqual(is, was);
    },
  },
  {
    rule: "R1",
    says: "a claim is verified exactly where the row has it",
    holds: (step) => {
      if (step.ask.op !== "verify") return true;
      const { was } = rowOf(step);
      const held =
        was !== undefined && was.meta.format <= ROW_FORMAT && sameClaim(was.meta, step.ask.request);
      return step.answer === held && step.before === step.after;
    },
  },
  {
    rule: "O6",
    says: "what is refused changes nothing",
    holds: (step) => isGranted(step) || step.after === step.before,
  },
  {
    rule: "O6, R8",
    says: "the same request again changes nothing and is answered alike",
    holds: ({ ask, answer, after }, rules) => {
      const again = decideStorage(after, ask, rules);
      return again.after === after && isDeepStrictEqual(again.answer, answer);
    },
  },
];

function rowOf({ before, ask, after }: StorageStep): {
  readonly was: ModelRow | undefined;
  readonly is: ModelRow | undefined;
} {
  const key = formatActor(ask.request.actor);
  return { was: before.rows.get(key), is: after.rows.get(key) };
}

interface Claim {
  readonly generation: number;
  readonly token: string;
}

function sameClaim(one: Claim, other: Claim): boolean {
  return one.generation === other.generation && one.token === other.token;
}

function isGranted({ answer }: StorageStep): boolean {
  return typeof answer === "boolean" ? answer : answer.ok;
}
