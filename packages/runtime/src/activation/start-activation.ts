// From a first call to an owned, loaded actor: claim, then load, which raises the fence before any user code runs (I3). Where both
// are in one store they are one step of it (D8), and the row comes with the claim.
// What newer code stored is passed on to silos that have it (newer-code.ts).
import {
  type ActorAddress,
  assert,
  type EventSink,
  formatActor,
  type Incarnation,
  type LoadAnswer,
  type LoadedRow,
} from "@tenure/core/internal";
import type { Claim, Ownership } from "@tenure/directory/internal";
import { newerCode, passOn } from "./newer-code.ts";
import type { RowStore } from "./row-store.ts";

export type Started =
  /** `row` is undefined for an actor without state: it has a claim and no row. */
  | { readonly kind: "owned"; readonly claim: Claim; readonly row: LoadedRow | undefined }
  | {
      readonly kind: "elsewhere";
      readonly silo: Incarnation;
      readonly generation: number;
      /** @default somebody else owns it */
      readonly why?: string;
    }
  /** Nothing ran, and trying again may help. */
  | { readonly kind: "unavailable"; readonly why: string }
  /** Nothing ran, and trying again will not help. */
  | { readonly kind: "unreadable"; readonly why: string };

export interface StartDeps {
  readonly ownership: Pick<Ownership, "acquire" | "release">;
  /** Asked only where it is stateful. */
  readonly rows: RowStore;
  readonly stateful: boolean;
  readonly emit: EventSink;
  /** Of the actor's class, in this silo. */
  readonly version: number;
  /** Another silo that has at least this version of the actor's class, or, where none is named, the class at all. */
  knowing(actor: ActorAddress, version: number | undefined): Promise<Incarnation | undefined>;
  /** False when the activation was lost while it started: its successor may own the actor by now, in this silo (R12). */
  wanted(): boolean;
}

const MAX_FENCED = 4;

export async function claimAndLoad(actor: ActorAddress, deps: StartDeps): Promise<Started> {
  let floor = 0;
  for (let fenced = 0; fenced < MAX_FENCED; fenced++) {
    const reason = floor > 0 ? "above-fence" : "call";
    const acquired = await deps.ownership.acquire(actor, floor, reason, deps);
    if (acquired.kind === "damaged") return { kind: "unreadable", why: acquired.problem };
    if (acquired.kind !== "claimed") return acquired;
    const { claim } = acquired;
    if (!deps.wanted()) return giveUp(actor, claim, deps);
    if (!deps.stateful) return { kind: "owned", claim, row: undefined };

    let answer: LoadAnswer | undefined = acquired.row;
    if (!answer) {
      try {
        answer = await deps.rows.load({ actor, ...claim });
      } catch (error) {
        void deps.ownership.release(actor, claim.token);
        return { kind: "unavailable", why: error instanceof Error ? error.message : String(error) };
      }
      if (!deps.wanted()) return giveUp(actor, claim, deps);
    }
    const newer = newerCode(answer, deps.version);
    if (newer) return await passOn(actor, claim, newer, deps);
    if (answer.ok) return { kind: "owned", claim, row: answer.row };
    if (answer.refusal === "damaged") {
      void deps.ownership.release(actor, claim.token);
      const why = `the row of ${formatActor(actor)} is damaged: ${answer.problem}`;
      deps.emit({ type: "store.damaged", key: formatActor(actor), problem: why });
      return { kind: "unreadable", why };
    }
    assert(answer.refusal === "fenced", "a newer format was passed on");
    // The store has seen a newer claim than the directory gave us: claim again above it. If the entry no longer names
    // us, that claim says so.
    deps.emit({
      type: "activation.fenced",
      actor,
      generation: claim.generation,
      storedGeneration: answer.generation,
      operation: "load",
      error: "FencedError",
    });
    floor = answer.generation;
  }
  return { kind: "unavailable", why: "the store kept refusing the claim" };
}

function giveUp(actor: ActorAddress, { token }: Claim, { ownership }: StartDeps): Started {
  void ownership.release(actor, token);
  return { kind: "unavailable", why: "the activation was lost while it started" };
}
