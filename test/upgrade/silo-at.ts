// A silo over the stores of a fixture, on a clock of its own time.
import type { ActorClass, TenureEvent } from "tenure";
import {
  type Clock,
  type DirectoryProvider,
  loopback,
  type StorageProvider,
  systemRandom,
} from "@tenure/core/internal";
import { createSilo, type Silo } from "@tenure/runtime";
import { CLUSTER } from "./port-environment.ts";

export interface Stores {
  readonly directory: DirectoryProvider;
  readonly storage: StorageProvider;
}

export interface SiloAt extends AsyncDisposable {
  readonly silo: Silo;
  readonly events: readonly TenureEvent[];
}

export async function siloAt(
  { directory, storage }: Stores,
  clock: Clock,
  actors: readonly ActorClass[],
  bootstrap = false,
): Promise<SiloAt> {
  const events: TenureEvent[] = [];
  const silo = await createSilo(
    {
      name: "fixture",
      cluster: CLUSTER,
      actors,
      transport: loopback(),
      directory,
      storage,
      bootstrap,
      onEvent: (event) => events.push(event),
    },
    { clock, random: systemRandom() },
  );
  return { silo, events, [Symbol.asyncDispose]: () => silo.stop() };
}
