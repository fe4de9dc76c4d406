// What a storage answered: as data that can be compared, whatever the class of its bytes, and what is to be counted of it.
import {
  type ActorAddress,
  formatActor,
  KEY_HEADER_BYTES,
  type SaveRequest,
} from "@tenure/core/internal";
import type { Note } from "./run.ts";
import type { ModelRow, StorageReply, StorageStep } from "./storage-model.ts";

export function plainReply(answer: StorageReply): unknown {
  if (typeof answer === "boolean" || !answer.ok || !("row" in answer)) return answer;
  return { ok: true, meta: answer.row.meta, parts: plainParts(answer.row.parts) };
}

/** By name, in the order of the names: the port promises no order. */
export function plainParts(parts: ReadonlyMap<string, Uint8Array>): unknown {
  return [...parts]
    .map(([name, bytes]) => [name, Buffer.from(bytes).toString("hex")] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

export function plainDue(
  rows: readonly { readonly actor: ActorAddress; readonly due: number }[],
): unknown {
  return rows.map(({ actor, due }) => `${formatActor(actor)} at ${due}`).toSorted();
}

export function outcomeOf(answer: StorageReply): string {
  if (typeof answer === "boolean") return String(answer);
  return answer.ok ? "ok" : answer.refusal;
}

export function noteStep(step: StorageStep, note: Note): void {
  const { before, ask, answer, after } = step;
  const { op, request } = ask;
  note(`${op} ${outcomeOf(answer)}`);
  const was = before.rows.get(formatActor(request.actor));
  if (op === "verify" || outcomeOf(answer) !== "ok") {
    if (op === "save" && !was) note("save rowless");
    return;
  }
  if (before === after) note(`${op} resent`);
  else if (!was) note("row created");
  else if (op === "load") note("fence raised");
  if (op === "load" && was && hasLongKey(was)) note("header only");
  if (op === "save" && was && before !== after) noteSave(request, was, note);
}

function noteSave(request: SaveRequest, was: ModelRow, note: Note): void {
  if (was.meta.due !== request.due) note("due moved");
  if (was.meta.due !== undefined && request.due === undefined) note("due withdrawn");
  if (request.del.some((name) => request.put.has(name))) note("part replaced");
  if (request.del.some((name) => was.parts.has(name) && !request.put.has(name)))
    note("part deleted");
  if (
    was.parts.size > 0 &&
    request.put.size === 0 &&
    [...was.parts.keys()].every((name) => request.del.includes(name))
  )
    note("row cleared");
}

function hasLongKey({ parts }: ModelRow): boolean {
  return [...parts].some(
    ([name, bytes]) => /^[ks]\//.test(name) && bytes.length > KEY_HEADER_BYTES,
  );
}
