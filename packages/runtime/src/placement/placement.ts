// Where an actor without an owner is activated: a pure choice among the silos that have its type.
import type { Placement } from "@tenure/core";
import type { Incarnation, MemberRecord } from "@tenure/core/internal";

/**
 * - `local`: the silo that is asked, if it has the type, else any.
 * - `random`: any.
 * - `balanced`: the less loaded of two that are drawn at random (power of two choices, Mitzenmacher 2001): close to even,
 *   without everyone rushing to the one that was emptiest at the last poll.
 *
 * `chance` is uniform in [0, 1). Undefined when there is no candidate.
 */
export function place(
  placement: Placement,
  candidates: readonly Pick<MemberRecord, "incarnation" | "load">[],
  self: Incarnation,
  chance: () => number,
): Incarnation | undefined {
  const draw = (): Pick<MemberRecord, "incarnation" | "load"> =>
    candidates[Math.floor(chance() * candidates.length)]!;
  if (candidates.length === 0) return undefined;
  switch (placement) {
    case "local":
      return candidates.some((silo) => silo.incarnation === self) ? self : draw().incarnation;
    case "random":
      return draw().incarnation;
    case "balanced": {
      const a = draw();
      const b = draw();
      return a.load <= b.load ? a.incarnation : b.incarnation;
    }
  }
}
