// What a store is opened with, when no silo opens it.
import { type PortEnvironment, systemClock, systemRandom } from "@tenure/core/internal";

export const CLUSTER = "fixture";

export function portEnvironment(): PortEnvironment {
  return {
    cluster: CLUSTER,
    clock: systemClock(),
    random: systemRandom(),
    emit: () => undefined,
    leaseTtlMs: 4_000,
    openTimeoutMs: 5_000,
    durability: "default",
  };
}
