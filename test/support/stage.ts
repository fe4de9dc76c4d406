// Where the actors of a test stop until it lets them go on, and what they write down.
import { type Deferred, deferred } from "./deferred.ts";

/** Made anew by each test. */
export class Stage {
  readonly log: string[] = [];
  readonly #doors = new Map<string, Deferred<void>>();
  readonly #entered = new Map<string, Deferred<void>>();

  door(name: string): Deferred<void> {
    return getOrMake(this.#doors, name);
  }

  entered(name: string): Promise<void> {
    return getOrMake(this.#entered, name).promise;
  }

  async pass(name: string): Promise<void> {
    this.log.push(`+${name}`);
    getOrMake(this.#entered, name).resolve();
    await this.door(name).promise;
    this.log.push(`-${name}`);
  }
}

function getOrMake(map: Map<string, Deferred<void>>, name: string): Deferred<void> {
  let known = map.get(name);
  if (!known) map.set(name, (known = deferred()));
  return known;
}
