// What must hold between two states of a directory, whatever was asked (see invariants.ts).
import { isDeepStrictEqual } from "node:util";
import { CLAIMS_KEPT, formatActor } from "@tenure/core/internal";
import { decideDirectory, type DirectoryStep } from "./directory-model.ts";
import type { Invariant } from "./invariants.ts";

export const DIRECTORY_INVARIANTS: readonly Invariant<DirectoryStep>[] = [
  {
    rule: "O1, I5",
    says: "dead is for ever, draining is not undone, and no number of a member goes back",
    holds: ({ before, after }) =>
      [...before.members].every(([incarnation, was]) => {
        const is = after.members.get(incarnation);
        if (!is || is.incarnation !== incarnation) return false;
        if (was.state === "dead") return isDeepStrictEqual(is, was);
        if (was.state === "draining" && is.state === "alive") return false;
        return is.rev >= was.rev && is.counter >= was.counter;
      }),
  },
  {
    rule: "D7, R16",
    says: "only the dead are swept, and none comes back",
    holds: ({ before, ask, after }) =>
      [...before.swept].every((incarnation) => after.swept.has(incarnation)) &&
      [...after.swept].every(
        (incarnation) =>
          before.swept.has(incarnation) ||
          (ask.op === "sweep" &&
            ask.request.incarnation === incarnation &&
            before.members.get(incarnation)?.state === "dead"),
      ),
  },
  {
    rule: "R3",
    says: "a record is changed only at the rev that was named",
    holds: ({ before, ask, after }) => {
      if (ask.op !== "renew" && ask.op !== "markDead") return true;
      const was = before.members.get(ask.request.incarnation);
      return before === after || (was ? was.rev : "absent") === ask.request.expectedRev;
    },
  },
  {
    rule: "R19, I14",
    says: "no two that live have one name, and none comes in beside another protocol",
    holds: ({ before, ask, after }) => {
      if (ask.op !== "register" || before.members.has(ask.request.incarnation)) return true;
      const me = after.members.get(ask.request.incarnation);
      const others = [...before.members.values()].filter(({ state }) => state !== "dead");
      return others.every(
        (other) => !me || (other.name !== me.name && other.protocol === me.protocol),
      );
    },
  },
  {
    rule: "R13",
    says: "the store's id stays, what is open stays open, and it opens by its id or as declared new",
    holds: ({ before, ask, after }) => {
      const [was, is] = [before.sentinel, after.sentinel];
      if (!was) return !is || (ask.op === "register" && is.open === ask.request.bootstrap);
      if (is?.storeId !== was.storeId || (was.open && !is.open)) return false;
      return is.open === was.open || (ask.op === "open" && ask.request.storeId === was.storeId);
    },
  },
  {
    rule: "O2, I6, R18",
    says: "ownership moves only from nobody, from oneself or from the named dead, to one that lives",
    holds: ({ before, ask, after }) =>
      moved({ before, ask, after }).every(({ was, is }) => {
        if (ask.op !== "claim" || is.free) return false;
        const { incarnation, token, expected } = ask.request;
        if (is.token !== token || is.incarnation !== incarnation) return false;
        if (before.members.get(incarnation)?.state !== "alive") return false;
        if (!was) return expected === "free" && before.sentinel?.open === true; // R13
        if (was.free) return expected === "free";
        if (expected === "free" || expected.token !== was.token) return false; // R2
        const owner = before.members.get(was.incarnation);
        return was.incarnation === incarnation || owner?.state === "dead";
      }),
  },
  {
    rule: "H3",
    says: "an owner loses its entry, but for a claim, only by a release with its token",
    holds: ({ before, ask, after }) =>
      [...before.entries].every(([key, was]) => {
        const is = after.entries.get(key);
        if (!is) return false;
        if (is.token !== was.token || is.free === was.free) return true;
        const released = ask.op === "release" && formatActor(ask.request.actor) === key;
        return (
          released &&
          ask.request.token === was.token &&
          isDeepStrictEqual({ ...was, free: true }, is)
        );
      }),
  },
  {
    rule: "O3, I7, R15",
    says: "each grant is above its floor, above its entry and above every grant before it",
    holds: ({ before, ask, after }) => {
      const grants = moved({ before, ask, after });
      if (grants.length === 0) return after.counter === before.counter;
      return grants.every(
        ({ was, is }) =>
          ask.op === "claim" &&
          is.generation > ask.request.floor &&
          is.generation > (was?.generation ?? 0) &&
          is.generation > before.counter &&
          is.generation === after.counter,
      );
    },
  },
  {
    rule: "R1, I7",
    says: "an entry remembers its last claims, the newest at the end, and no token twice",
    holds: ({ after }) =>
      [...after.entries.values()].every(({ claims, token, generation, incarnation }) => {
        const tokens = claims.map((claim) => claim.token);
        const newest = claims.at(-1);
        return (
          newest?.token === token &&
          newest.generation === generation &&
          newest.incarnation === incarnation &&
          claims.length <= CLAIMS_KEPT &&
          new Set(tokens).size === tokens.length
        );
      }),
  },
  {
    rule: "R14",
    says: "each grant and each renewal raises the silo's own counter by one, and nothing else does",
    holds: ({ before, ask, after }) =>
      [...before.members].every(([incarnation, was]) => {
        const counts =
          before !== after &&
          (ask.op === "claim" || ask.op === "renew") &&
          ask.request.incarnation === incarnation;
        return after.members.get(incarnation)?.counter === was.counter + (counts ? 1 : 0);
      }),
  },
  {
    rule: "O6",
    says: "what is refused changes nothing",
    holds: ({ before, answer, after }) =>
      (typeof answer === "boolean" ? answer : answer.ok) || after === before,
  },
  {
    rule: "O6, R8",
    says: "the same request again changes nothing and is answered alike",
    holds: ({ ask, answer, after }, rules) => {
      const again = decideDirectory(after, ask, rules);
      if (again.after !== after) return false;
      // A renewal has no id of its own: repeated, it is told the record that it made, and its sender adopts that.
      if (ask.op === "renew" && typeof answer === "object" && answer.ok)
        return isDeepStrictEqual(again.answer, {
          ok: false,
          refusal: "conflict",
          member: after.members.get(ask.request.incarnation),
        });
      // Who keeps a newcomer out may be any of several.
      if (ask.op === "register") return refusalOf(again.answer) === refusalOf(answer);
      return isDeepStrictEqual(again.answer, answer);
    },
  },
];

type Entry = DirectoryStep["after"]["entries"] extends ReadonlyMap<string, infer E> ? E : never;

/** The entries that another claim has by now. */
function moved({
  before,
  after,
}: Omit<DirectoryStep, "answer">): { readonly was: Entry | undefined; readonly is: Entry }[] {
  return [...after.entries]
    .map(([key, is]) => ({ was: before.entries.get(key), is }))
    .filter(({ was, is }) => was?.token !== is.token || was.incarnation !== is.incarnation);
}

function refusalOf(answer: DirectoryStep["answer"]): string {
  if (typeof answer === "boolean" || answer.ok) return "ok";
  return answer.refusal;
}
