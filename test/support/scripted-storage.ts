// A storage over memory that loses, holds and refuses what a test tells it to.
import type { ActorAddress } from "tenure";
import {
  type LoadRequest,
  type PortEnvironment,
  type SaveRequest,
  seededRandom,
  type Storage,
  type StorageProvider,
  StoreUnavailableError,
  systemClock,
} from "@tenure/core/internal";
import { memoryStorage } from "@tenure/directory/internal";
import { type Deferred, deferred } from "./deferred.ts";

/** A save or a load on its way to the store, or a save's answer on its way back, which arrives when it is let go. */
export interface HeldSave {
  /** Resolves when it is held. */
  readonly arrived: Promise<void>;
  letGo(): void;
}

export class ScriptedStorage implements StorageProvider {
  readonly name = "scripted memory";
  /** Every save that was sent, in order, resent ones too. */
  readonly saves: SaveRequest[] = [];
  /** Every batch of claims that the store was asked to verify, in order. */
  readonly verifications: (readonly LoadRequest[])[] = [];
  /** While true, nothing reaches the store: every operation rejects. */
  away = false;
  /** How many of the next saves are applied without their answer arriving. */
  loseAnswers = 0;
  /** How many of the next saves are lost on their way to the store. */
  loseSaves = 0;
  readonly #inner = memoryStorage();
  readonly #answerHolds: { readonly arrived: Deferred<void>; readonly free: Deferred<void> }[] = [];
  readonly #loadHolds: { readonly arrived: Deferred<void>; readonly free: Deferred<void> }[] = [];
  readonly #holds: { readonly arrived: Deferred<void>; readonly free: Deferred<void> }[] = [];

  async open(environment: PortEnvironment): Promise<Storage> {
    const storage = await this.#inner.open(environment);
    const reach = async <T>(operation: () => Promise<T>): Promise<T> => {
      if (this.away) throw new StoreUnavailableError("the test took the store away");
      return await operation();
    };
    return {
      durability: storage.durability,
      maxStateBytes: storage.maxStateBytes,
      load: async (requests) => {
        const hold = this.#loadHolds.shift();
        hold?.arrived.resolve();
        await hold?.free.promise;
        return await reach(() => storage.load(requests));
      },
      save: async (requests) => {
        this.saves.push(...requests);
        const hold = this.#holds.shift();
        hold?.arrived.resolve();
        await hold?.free.promise;
        if (this.loseSaves > 0) {
          this.loseSaves -= 1;
          throw new StoreUnavailableError("the test lost the save");
        }
        const answer = await reach(() => storage.save(requests));
        const answerHold = this.#answerHolds.shift();
        answerHold?.arrived.resolve();
        await answerHold?.free.promise;
        if (this.loseAnswers > 0) {
          this.loseAnswers -= 1;
          throw new StoreUnavailableError("the test lost the answer");
        }
        return answer;
      },
      verify: (requests) => {
        this.verifications.push(requests);
        return reach(() => storage.verify(requests));
      },
      parts: (request) => reach(() => storage.parts(request)),
      dueBefore: (bucket, time, limit) => reach(() => storage.dueBefore(bucket, time, limit)),
      close: () => storage.close(),
    };
  }

  /** Holds the next save. */
  holdNext(): HeldSave {
    return heldIn(this.#holds);
  }

  /** Holds the next load. */
  holdLoad(): HeldSave {
    return heldIn(this.#loadHolds);
  }

  /** Holds the answer to the next save, which the store has applied or refused by then. */
  holdNextAnswer(): HeldSave {
    return heldIn(this.#answerHolds);
  }

  /** A session beside the silos': what another program, or a later owner, does to the rows. */
  async session(cluster = "default"): Promise<Storage> {
    return await this.#inner.open({
      cluster,
      clock: systemClock(),
      random: seededRandom(1),
      emit: () => undefined,
      leaseTtlMs: 4_000,
      openTimeoutMs: 1_000,
      durability: "default",
    });
  }

  /** Raises the actor's fence as a later claim would: whoever owns it now can save nothing any more. */
  async fence(actor: ActorAddress, generation: number): Promise<void> {
    const session = await this.session();
    await session.load([{ actor, generation, token: `stolen-${generation}` }]);
  }

  /** The bytes of one part of a row. */
  async part(actor: ActorAddress, name: string): Promise<Uint8Array | undefined> {
    const session = await this.session();
    return (await session.parts({ actor, names: [name] })).get(name);
  }
}

function heldIn(
  holds: { readonly arrived: Deferred<void>; readonly free: Deferred<void> }[],
): HeldSave {
  const hold = { arrived: deferred(), free: deferred() };
  holds.push(hold);
  return { arrived: hold.arrived.promise, letGo: () => hold.free.resolve() };
}
