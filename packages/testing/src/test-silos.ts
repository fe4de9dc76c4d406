// Several silos of one process on one virtual clock, over memory: the smallest cluster for a test.
import { type ActorClass, type TenureEvent } from "@tenure/core";
import {
  type DirectoryProvider,
  loopback,
  seededRandom,
  type StorageProvider,
  type TransportProvider,
} from "@tenure/core/internal";
import { memoryDirectory, memoryStorage } from "@tenure/directory/internal";
import { createSilo, type Silo, type SiloOptions } from "@tenure/runtime";
import { VirtualClock } from "./virtual-clock.ts";

export interface TestSilosOptions {
  readonly actors: readonly ActorClass[];
  /** @default 1 */
  readonly silos?: number;
  /** @default 1 */
  readonly seed?: number;
  readonly transport?: TransportProvider;
  readonly directory?: DirectoryProvider;
  readonly storage?: StorageProvider;
  readonly options?: Partial<SiloOptions>;
}

export interface TestSilos extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly silos: readonly Silo[];
  readonly events: readonly TenureEvent[];
  /** One more silo of the same cluster. */
  add(name: string, options?: Partial<SiloOptions>): Promise<Silo>;
}

export async function testSilos(given: TestSilosOptions): Promise<TestSilos> {
  const clock = new VirtualClock();
  const random = seededRandom(given.seed ?? 1);
  const ports = {
    transport: given.transport ?? loopback(),
    directory: given.directory ?? memoryDirectory(),
    storage: given.storage ?? memoryStorage(),
  };
  const events: TenureEvent[] = [];
  const silos: Silo[] = [];
  const add = async (name: string, options: Partial<SiloOptions> = {}): Promise<Silo> => {
    const silo = await createSilo(
      {
        name,
        actors: given.actors,
        ...ports,
        ...given.options,
        ...options,
        onEvent: (event) => events.push(event),
      },
      { clock, random },
    );
    silos.push(silo);
    return silo;
  };
  for (let i = 1; i <= (given.silos ?? 1); i++) await add(`silo-${i}`);
  return {
    clock,
    silos,
    events,
    add,
    [Symbol.asyncDispose]: async () => {
      // A drain may wait for timers, which nobody moves any more.
      const stopped = Promise.all(silos.map((silo) => silo.stop()));
      let done = false;
      void stopped.finally(() => (done = true));
      while (!done) await clock.advance(100);
      await stopped;
    },
  };
}
