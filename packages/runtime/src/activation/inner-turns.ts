// Turns that run inside of others of their chain (admission.ts, A2).
import type { Turn } from "./turn-context.ts";

/** A turn begins inside of another. Answers what to do at its end. */
export function enter(outer: Turn): () => void {
  let end: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const inner = (outer.inner ??= new Set());
  inner.add(ended);
  return () => {
    inner.delete(ended);
    end?.();
  };
}

/** Resolves when no turn runs inside any more, those that begin meanwhile included. */
export async function allEnded(inner: ReadonlySet<Promise<unknown>>): Promise<void> {
  while (inner.size > 0) await Promise.all(inner);
}
