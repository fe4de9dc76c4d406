// The commands of the storage's model suite. Names come from small pools, so that requests meet; a choice such as "current"
// is resolved against the model at the moment when the command is run.
import { type ActorAddress, dueBucket, encodeActorKey } from "@tenure/core/internal";
import fc from "fast-check";

const ALICE: ActorAddress = { type: "Cart", id: "alice" };
const bucketOf = (actor: ActorAddress): number => dueBucket(encodeActorKey(actor));

/** The third one shares the first one's bucket of the due index. */
export const ACTORS: readonly ActorAddress[] = [
  ALICE,
  { type: "Cart", id: "line\nbreak \u0000 日本 {x}*" },
  neighbourOf(ALICE),
];
export const BUCKETS: readonly number[] = [...new Set(ACTORS.map(bucketOf))];
export const PARTS: readonly string[] = ["state", "k/one", "k/two", "r/daily"];

const HIGH = 2 ** 52 + 4_323;
const DUES = [undefined, undefined, 0, 1_700_000_000_000, 1_700_000_000_000.25, -5, 1e21];

/** Where a row is: at it, above or below it, or anywhere. */
export interface GenerationChoice {
  readonly from: "current" | "zero";
  readonly plus: number;
}

export interface LoadChoice {
  readonly actor: ActorAddress;
  readonly generation: GenerationChoice;
  /** The row's own, one that was never used, or one of a few that come again. */
  readonly token: string;
}

export interface SaveChoice extends LoadChoice {
  readonly etag: string;
  readonly newEtag: string;
  readonly put: Readonly<Record<string, Uint8Array>>;
  readonly del: readonly string[];
  readonly due: number | undefined;
}

export type StorageCommand =
  | { readonly kind: "load"; readonly items: readonly LoadChoice[] }
  | { readonly kind: "verify"; readonly items: readonly LoadChoice[] }
  | { readonly kind: "save"; readonly items: readonly SaveChoice[] }
  | { readonly kind: "clear"; readonly actor: ActorAddress }
  | { readonly kind: "parts"; readonly actor: ActorAddress }
  | { readonly kind: "newer row"; readonly actor: ActorAddress }
  | { readonly kind: "again"; readonly back: number }
  | { readonly kind: "due"; readonly time: number }
  | { readonly kind: "reopen" };

const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);
const batch = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(item, { minLength: 1, maxLength: 3 });

const actor = fc.constantFrom(...ACTORS);
/** Names of claims and of saves: the row's own, one that was never used, or one of a few that come again. */
const token = fc.oneof(
  { weight: 5, arbitrary: fc.constant("current" as const) },
  { weight: 2, arbitrary: fc.constant("new" as const) },
  { weight: 2, arbitrary: fc.constantFrom("t0", "t1", "t2") },
);
const etag = fc.oneof(
  { weight: 4, arbitrary: fc.constant("current" as const) },
  fc.constantFrom("", "e0", "e1", "e2"),
);
const newEtag = fc.oneof(
  { weight: 4, arbitrary: fc.constant("new" as const) },
  { weight: 1, arbitrary: fc.constant("current" as const) },
  { weight: 2, arbitrary: fc.constantFrom("e0", "e1", "e2") },
);
const generation = (above: number): fc.Arbitrary<GenerationChoice> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant({ from: "current", plus: 0 } as const) },
    { weight: above, arbitrary: fc.record({ from: kind("current"), plus: fc.constantFrom(1, 2) }) },
    { weight: 1, arbitrary: fc.constant({ from: "current", plus: -1 } as const) },
    // Odd and above 2^52: whoever takes it for a double on the way, or prints 14 digits, changes it.
    {
      weight: 1,
      arbitrary: fc.record({ from: kind("zero"), plus: fc.constantFrom(0, 1, 2, 3, 3, 3, HIGH) }),
    },
  );
const load: fc.Arbitrary<LoadChoice> = fc.record({ actor, generation: generation(4), token });
const save: fc.Arbitrary<SaveChoice> = fc.record({
  actor,
  generation: generation(1),
  token,
  etag,
  newEtag,
  put: fc.dictionary(
    fc.constantFrom(...PARTS),
    fc.uint8Array({ minLength: 0, maxLength: 40, size: "max" }),
    { maxKeys: 3 },
  ),
  del: fc.uniqueArray(fc.constantFrom(...PARTS), { maxLength: 2 }),
  due: fc.constantFrom(...DUES),
});

export const storageCommand: fc.Arbitrary<StorageCommand> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: kind("load"), items: batch(load) }) },
  { weight: 10, arbitrary: fc.record({ kind: kind("save"), items: batch(save) }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("verify"), items: batch(load) }) },
  // A save of the row's own claim that deletes every part: what clearing an actor is.
  { weight: 1, arbitrary: fc.record({ kind: kind("clear"), actor }) },
  // An earlier request once more: what a caller does that got no answer, and what the network does that is late (R7, R8).
  { weight: 4, arbitrary: fc.record({ kind: kind("again"), back: fc.nat(6) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kind("due"),
      time: fc.constantFrom(-10, -5, 0, 1_700_000_000_000, 1e22),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind("parts"), actor }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("reopen") }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("newer row"), actor }) },
);

function neighbourOf(of: ActorAddress): ActorAddress {
  for (let n = 0; ; n++) {
    const other = { type: of.type, id: `bob-${n}` };
    if (bucketOf(other) === bucketOf(of)) return other;
  }
}
