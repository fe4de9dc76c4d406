// A crash, seen from the other silos: the process is gone without a goodbye.
import type { Silo } from "@tenure/runtime";
import { SILO_INTERNALS, type SiloInternals } from "@tenure/runtime/internal";

/**
 * Ends a silo as SIGKILL would: no goodbye, no hand-over; its timers and connections are dropped, its member record stays
 * until others see that it no longer renews. Code of a turn that is running goes on in memory, and nothing of it counts.
 */
export function crash(silo: Silo): void {
  internalsOf(silo).crash();
}

export function internalsOf(silo: Silo): SiloInternals {
  return (silo as Silo & { readonly [SILO_INTERNALS]: SiloInternals })[SILO_INTERNALS];
}
