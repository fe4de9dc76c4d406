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
