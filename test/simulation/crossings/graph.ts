// Drawn graphs of calls: actors whose turns call each other, one after another, together, or in a race.
import type { Random } from "@tenure/core/internal";

export interface Script {
  /** The call's own name, unique in its graph. */
  readonly name: string;
  readonly actor: string;
  readonly mode: "write" | "read";
  /** How long its caller waits, where it does not wait for ever: it goes on without what it waited for. */
  readonly timeoutMs: number | undefined;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly kind: "all" | "race";
  readonly calls: readonly Script[];
  /** The turn goes on when the step fails. */
  readonly caught: boolean;
}

/** Some calls of clients, and what each leads to. */
export function drawGraph(graph: string, random: Random): readonly Script[] {
  const whole = (least: number, most: number): number =>
    least + Math.floor(random.next() * (most - least + 1));
  const actors = whole(2, 6);
  const impatience = random.next() < 0.5 ? 0 : 0.3;
  let calls = 0;
  const script = (depth: number): Script => {
    calls += 1;
    const name = `${graph}:${calls}`;
    const steps = depth === 0 ? 0 : whole(depth === MAX_DEPTH ? 1 : 0, 2);
    return {
      name,
      actor: `${graph}-${whole(1, actors)}`,
      mode: random.next() < 0.25 ? "read" : "write",
      timeoutMs: random.next() < impatience ? whole(60, 1_500) : undefined,
      steps: Array.from({ length: steps }, () => {
        const width = random.next() < 0.7 ? 1 : 2;
        return {
          kind: random.next() < 0.7 ? ("all" as const) : ("race" as const),
          calls: Array.from({ length: width }, () => script(depth - 1)),
          caught: random.next() < 0.3,
        };
      }),
    };
  };
  return Array.from({ length: whole(2, 5) }, () => script(MAX_DEPTH));
}

const MAX_DEPTH = 3;
