// Where an actor without an owner is activated: a pure choice among the silos that have its type.
//   L1. Whatever a placement function does, the choice is made: a silo of the list, or a reason why there is none.
import type { Placement, PlacementFunction } from "@tenure/core";
import {
  type ActorAddress,
  describe,
  digest16,
  errorText,
  formatActor,
  type Incarnation,
  type MemberRecord,
} from "@tenure/core/internal";

export type Candidate = Pick<MemberRecord, "incarnation" | "name" | "roles" | "load">;

export type Placed =
  | { readonly kind: "at"; readonly silo: Incarnation }
  /** No silo of those that the class wants: time may mend it. */
  | { readonly kind: "nowhere"; readonly wanted: string }
  /** The class's own function threw, or named none of the silos that it was given. */
  | { readonly kind: "wrong"; readonly problem: string };

/**
 * - `local`: the silo that is asked, if it has the type, else any.
 * - `random`: any.
 * - `balanced`: the less loaded of two that are drawn at random (power of two choices, Mitzenmacher 2001): close to even,
 *   without everyone rushing to the one that was emptiest at the last poll.
 * - `hash`: the silo whose name and the actor's hash to the most (rendezvous hashing, Thaler and Ravishankar 1998). By the
 *   silo's name, not its incarnation: a silo that restarts gets the same actors.
 * - `{ role }`: balanced among those that have it.
 * - a function: the one that it names.
 *
 * `chance` is uniform in [0, 1).
 */
export function place(
  actor: ActorAddress,
  placement: Placement,
  candidates: readonly Candidate[],
  self: Incarnation,
  chance: () => number,
): Placed {
  if (candidates.length === 0) return { kind: "nowhere", wanted: "silo" };
  const draw = (): Candidate => candidates[Math.floor(chance() * candidates.length)]!;
  switch (placement) {
    case "local":
      return at(candidates.find((silo) => silo.incarnation === self) ?? draw());
    case "random":
      return at(draw());
    case "balanced": {
      const a = draw();
      const b = draw();
      return at(a.load <= b.load ? a : b);
    }
    case "hash":
      return at(byHash(actor, candidates));
    default:
  }
  if (typeof placement === "function") return byFunction(placement, actor, candidates);
  const { role } = placement;
  const fit = candidates.filter(({ roles }) => roles.includes(role));
  return fit.length === 0
    ? { kind: "nowhere", wanted: `silo with the role '${role}'` }
    : place(actor, "balanced", fit, self, chance);
}

function at({ incarnation }: Candidate): Placed {
  return { kind: "at", silo: incarnation };
}

function byHash(actor: ActorAddress, candidates: readonly Candidate[]): Candidate {
  const key = formatActor(actor);
  const [first, ...others] = candidates.map((silo) => ({ silo, score: digest16(silo.name, key) }));
  return others.reduce(
    (best, other) => (Buffer.compare(other.score, best.score) > 0 ? other : best),
    first!,
  ).silo;
}

function byFunction(
  choose: PlacementFunction,
  actor: ActorAddress,
  candidates: readonly Candidate[],
): Placed {
  const what = `the placement function of '${actor.type}'`;
  let name: unknown;
  try {
    name = choose(
      { type: actor.type, id: actor.id },
      candidates.map(({ name: silo, roles, load }) => ({ name: silo, roles, load })),
    );
  } catch (error) {
    return { kind: "wrong", problem: `${what} threw: ${errorText(error)}` };
  }
  // An answer that is still to come is none. Its failure is nobody's, and must not end the process.
  if (name instanceof Promise) name.catch(() => undefined);
  const chosen = candidates.find((silo) => silo.name === name);
  if (chosen) return at(chosen);
  const names = candidates.map((silo) => silo.name).join(", ");
  return {
    kind: "wrong",
    problem: `${what} answered ${describe(name)}, which is none of ${names}`,
  };
}
