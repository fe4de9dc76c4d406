// What the tests of the storage port work with: a claim's view of one row.
import type {
  ActorAddress,
  LoadAnswer,
  LoadedRow,
  LoadRequest,
  SaveAnswer,
  SaveRequest,
  Storage,
  StorageProvider,
} from "@tenure/core/internal";
import { expect } from "vitest";
import { Bench, type OpenedStore, type Planted, type RuleTest } from "./suite.ts";

/** Spoils rows behind the store's back. Each is called when no session is open, on an actor that has a row. */
export interface StoragePlants {
  /** Makes the row unreadable. */
  damagedRow(cluster: string, actor: ActorAddress): Promise<Planted>;
  /** Makes the row one of format ROW_FORMAT + 1. */
  newerRow(cluster: string, actor: ActorAddress): Promise<Planted>;
}

export interface OpenedStorage extends OpenedStore<StorageProvider> {
  /** Without it, skip S5. */
  readonly plant?: StoragePlants;
}

export type StorageRule = RuleTest<StorageBench>;
type Parts = Readonly<Record<string, Uint8Array>>;

export class StorageBench extends Bench<Storage, OpenedStorage> {
  loadRequest(actor: ActorAddress, generation: number): LoadRequest {
    return { actor, generation, token: this.random.hex128() };
  }

  /** A save of `claim` on the row as `etag` names it. */
  saveRequest(claim: LoadRequest, etag: string, changes: Partial<SaveRequest> = {}): SaveRequest {
    const newEtag = changes.newEtag ?? this.random.hex128();
    return { ...claim, etag, put: new Map(), del: [], due: undefined, ...changes, newEtag };
  }

  /** Loads with a new claim of that generation, and puts the parts. Answers the claim and the etag of its save. */
  async write(
    storage: Storage,
    actor: ActorAddress,
    generation: number,
    parts: Parts,
    due?: number,
  ): Promise<{ readonly claim: LoadRequest; readonly etag: string }> {
    const claim = this.loadRequest(actor, generation);
    const { meta } = await loaded(storage, claim);
    const request = this.saveRequest(claim, meta.etag, {
      put: new Map(Object.entries(parts)),
      due,
    });
    const answer = await saveOne(storage, request);
    if (!answer.ok) throw new Error(`not saved: ${answer.refusal}`);
    return { claim, etag: request.newEtag };
  }

  /** The row as a later claim finds it. Raises the fence. */
  async rowAfter(storage: Storage, actor: ActorAddress): Promise<LoadedRow> {
    return await loaded(storage, this.loadRequest(actor, 1_000_000));
  }
}

export async function loadOne(storage: Storage, request: LoadRequest): Promise<LoadAnswer> {
  const { answer } = await storage.load([request]);
  expect(answer).toHaveLength(1);
  return answer[0]!;
}

export async function loaded(storage: Storage, request: LoadRequest): Promise<LoadedRow> {
  const answer = await loadOne(storage, request);
  if (!answer.ok) throw new Error(`not loaded: ${answer.refusal}`);
  return answer.row;
}

export async function saveOne(storage: Storage, request: SaveRequest): Promise<SaveAnswer> {
  const { answer } = await storage.save([request]);
  expect(answer).toHaveLength(1);
  return answer[0]!;
}

export async function holds(storage: Storage, claim: LoadRequest): Promise<boolean> {
  return (await storage.verify([claim])).answer[0]!;
}

/** As plain data, so that a comparison does not depend on the class of the bytes. */
export function plain(parts: ReadonlyMap<string, Uint8Array>): Record<string, number[]> {
  return Object.fromEntries([...parts].map(([name, value]) => [name, [...value]]));
}
