// Which turns may run beside which: one pure function, the whole concurrency contract of an activation.
import type { MethodMode } from "@tenure/core";

export interface RunningTurns {
  readonly write: number;
  readonly read: number;
  readonly interleave: number;
}

/**
 * Whether a turn of `mode` may start beside those that run: a `write` beside nothing but `interleave`s, a `read` beside
 * anything but a `write`, an `interleave` always.
 */
export function mayStart(mode: MethodMode, running: RunningTurns): boolean {
  switch (mode) {
    case "write":
      return running.write === 0 && running.read === 0;
    case "read":
      return running.write === 0;
    case "interleave":
      return true;
  }
}
