// What became of a call, as a client sees it.
import { CallError } from "tenure";
import type { Simulation } from "@tenure/testing";

export type Tried<T> =
  | { readonly outcome: "ok"; readonly value: T }
  | { readonly outcome: "not-executed" | "unknown"; readonly error: CallError }
  | { readonly outcome: "threw"; readonly error: unknown };

export async function tried<T>(sim: Simulation, call: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { outcome: "ok", value: await call() };
  } catch (error) {
    if (!(error instanceof CallError)) return { outcome: "threw", error };
    sim.saw(`outcome ${error.outcome}`);
    checkAttempts(sim, error);
    return { outcome: error.outcome, error };
  }
}

/** A call waits longer from attempt to attempt: only so many fit into its time, whatever refuses it (I12, R27). */
function checkAttempts(sim: Simulation, error: CallError): void {
  const attempts = Number(error.details["attempts"] ?? 0);
  const most = 30 + sim.callTimeoutMs / 100;
  if (attempts > most)
    sim.violated("I12", `a call was attempted ${attempts} times; ${error.message}`);
}

/** Asks each of them again, whatever the answer: until there is one. */
export function untilAnswered(
  sim: Simulation,
  calls: ReadonlyMap<string, () => unknown>,
): ReadonlyMap<string, Promise<void>> {
  const ask = async (call: () => unknown): Promise<void> => {
    for (;;) {
      const got = await tried(sim, async () => await call());
      if (got.outcome === "ok" || sim.over) return;
      if (got.outcome === "threw") throw got.error;
      await sim.sleep(20);
    }
  };
  return new Map([...calls].map(([what, call]) => [what, ask(call)]));
}
