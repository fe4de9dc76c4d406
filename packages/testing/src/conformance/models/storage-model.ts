// The model of a storage: a value, and what each request makes of it. Decided by ownership-rules over maps, and by nothing
// else. The due index is no part of it: it is whatever the rows say (S6).
import { isDeepStrictEqual } from "node:util";
import {
  type ActorAddress,
  checkRowMeta,
  DamagedRecord,
  formatActor,
  KEY_HEADER_BYTES,
  type LoadAnswer,
  type LoadRequest,
  type OwnershipRules,
  ROW_FORMAT,
  type RowMeta,
  type SaveAnswer,
  type SaveRequest,
} from "@tenure/core/internal";

export interface ModelRow {
  readonly actor: ActorAddress;
  readonly meta: RowMeta;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

export interface StorageState {
  /** By formatActor. */
  readonly rows: ReadonlyMap<string, ModelRow>;
  /** How many operations changed something. */
  readonly writes: number;
}

export const EMPTY_STORAGE: StorageState = { rows: new Map(), writes: 0 };

export type StorageAsk =
  | { readonly op: "load"; readonly request: LoadRequest }
  | { readonly op: "save"; readonly request: SaveRequest }
  | { readonly op: "verify"; readonly request: LoadRequest };

export type StorageReply = LoadAnswer | SaveAnswer | boolean;

/** One request and what became of it. `after` is `before` itself if nothing changed. */
export interface StorageStep {
  readonly before: StorageState;
  readonly ask: StorageAsk;
  readonly answer: StorageReply;
  readonly after: StorageState;
}

export function decideStorage(
  before: StorageState,
  ask: StorageAsk,
  rules: OwnershipRules,
): StorageStep {
  const key = formatActor(ask.request.actor);
  const was = before.rows.get(key);
  const { answer, row } = decide(was, ask, rules);
  const changed = row && !isDeepStrictEqual(row, was);
  const after = changed ? { ...before, rows: new Map(before.rows).set(key, row) } : before;
  return { before, ask, answer, after };
}

interface Decided {
  readonly answer: StorageReply;
  readonly row?: ModelRow;
}

function decide(
  row: ModelRow | undefined,
  { op, request }: StorageAsk,
  rules: OwnershipRules,
): Decided {
  const read = row && readable(row);
  const { actor } = request;
  switch (op) {
    case "load": {
      const decision = rules.decideLoad(read, request);
      if (!decision.ok) return { answer: decision };
      const { meta } = decision;
      const parts = row?.parts ?? new Map<string, Uint8Array>();
      const heads = [...parts].map(
        ([name, bytes]) =>
          [name, /^[ks]\//.test(name) ? bytes.slice(0, KEY_HEADER_BYTES) : bytes] as const,
      );
      return {
        answer: { ok: true, row: { meta, parts: new Map(heads) } },
        row: { actor, meta, parts },
      };
    }
    case "save": {
      const { answer, meta } = rules.decideSave(read, request);
      if (!meta) return { answer };
      const parts = new Map(row?.parts);
      for (const name of request.del) parts.delete(name);
      for (const [name, bytes] of request.put) parts.set(name, bytes);
      return { answer, row: { actor, meta, parts } };
    }
    case "verify":
      return { answer: rules.decideVerify(read, request) };
  }
}

/** A row of a newer version, of which only the format is sure. */
function readable(row: ModelRow): RowMeta {
  const meta = checkRowMeta({ ...row.meta }, ROW_FORMAT);
  if (meta instanceof DamagedRecord) throw new Error(`the model broke a row: ${meta.problem}`);
  return meta;
}

/** The row was written by a later version. */
export function withNewerRow(state: StorageState, actor: ActorAddress): StorageState {
  const key = formatActor(actor);
  const row = state.rows.get(key);
  if (!row) return state;
  const meta = { ...row.meta, format: ROW_FORMAT + 1 };
  return { ...state, rows: new Map(state.rows).set(key, { ...row, meta }) };
}

/** The rows that are due by then, as the index of a bucket must list them, in any order. */
export function dueIn(
  state: StorageState,
  time: number,
): { readonly actor: ActorAddress; readonly due: number }[] {
  return [...state.rows.values()].flatMap(({ actor, meta: { due } }) =>
    due !== undefined && due <= time ? [{ actor, due }] : [],
  );
}
