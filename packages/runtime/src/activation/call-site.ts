// Where a turn made a call: an error that the call throws shows it behind the stack of whoever threw it, so that one which comes
// through several actors shows the whole way.
//   S1. Only where the silo exposes stacks: to note the place costs some microseconds, at every call.
//   S2. The error is its caller's own copy. What is no error, or shows no stack, stays as it is.
import type { ChainLink } from "@tenure/core/internal";
import { formatActor } from "@tenure/core/internal";

/** Notes the place; what it answers adds it to an error. `below` is the function whose caller is meant. */
export function callSite(
  turn: ChainLink | undefined,
  below: (...args: never[]) => unknown,
): (thrown: unknown) => void {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, below);
  const through = turn ? `${formatActor(turn)}.${turn.method}` : "a call outside of a turn";
  return (thrown) => {
    if (!(thrown instanceof Error) || typeof thrown.stack !== "string") return;
    const frames = site.stack!.slice(site.stack!.indexOf("\n") + 1);
    Object.defineProperty(thrown, "stack", {
      value: `${thrown.stack}\n    --- through ${through} ---\n${frames}`,
      writable: true,
      configurable: true,
    });
  };
}
