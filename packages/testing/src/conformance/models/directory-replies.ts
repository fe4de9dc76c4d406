// What a directory answered: whom it named, and what is to be counted of it.
import { CLAIMS_KEPT, formatActor, type Incarnation } from "@tenure/core/internal";
import type { DirectoryReply, DirectoryStep } from "./directory-model.ts";
import type { Note } from "./run.ts";

/** Whom a refused newcomer was told of. */
export function holderIn(answer: DirectoryReply | undefined): Incarnation | undefined {
  return typeof answer === "object" && "holder" in answer ? answer.holder.incarnation : undefined;
}

export function outcomeOf(answer: DirectoryReply): string {
  if (typeof answer === "boolean") return String(answer);
  return answer.ok ? "ok" : answer.refusal;
}

export function noteStep(step: DirectoryStep, note: Note): void {
  const { op, request } = step.ask;
  const { before, after } = step;
  const outcome = outcomeOf(step.answer);
  note(`${op} ${outcome}`);
  if (op === "claim" && outcome === "ok") {
    const was = before.entries.get(formatActor(request.actor));
    if (before === after) note("claim resent");
    else if (was?.claims.length === CLAIMS_KEPT) note("history full");
    if (was && !was.free && was.incarnation !== request.incarnation) note("owner displaced");
  }
  if (op === "sweep" && outcome === "ok" && before === after) note("swept resent");
  if (op !== "sweep" && "incarnation" in request && before.swept.has(request.incarnation))
    note("swept asked");
  if (op === "register" && outcome === "protocol") {
    const namesake = [...before.members.values()].some(
      ({ state, name, protocol }) =>
        state !== "dead" && name === request.name && protocol === request.protocol,
    );
    if (namesake) note("refused twice");
  }
}
