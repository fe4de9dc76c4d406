// The commands of the directory's model suite. Names come from small pools, so that requests meet; a choice such as
// "current" is resolved against the model at the moment when the command is run.
import { type ActorAddress, type ClaimReason, PROTOCOL_VERSION } from "@tenure/core/internal";
import fc from "fast-check";

export const ACTORS: readonly ActorAddress[] = [
  { type: "Cart", id: "alice" },
  { type: "Cart", id: "line\nbreak \u0000 日本 {x}*" },
];
export const STORE_ID: string = "5".repeat(32);
// The last is odd and above 2^52: whoever takes it for a double on the way, or prints 14 digits, changes it.
const FLOORS = [0, 0, 0, 0, 0, 0, 0, 3, 9, 2 ** 52 + 4_321];

/** The n-th of those that live, of all that were ever seen, or a new one. */
export interface SiloChoice {
  readonly of: "living" | "known" | "new";
  readonly at: number;
}

export interface ClaimChoice {
  readonly actor: ActorAddress;
  readonly silo: SiloChoice;
  /** A name of a small pool, one that was never used, or one of the entry's past. */
  readonly token: string;
  readonly expected: "current" | "free" | { readonly token: string };
  readonly floor: number;
  readonly reason: ClaimReason;
}

export type DirectoryCommand =
  | {
      readonly kind: "register";
      readonly silo: SiloChoice;
      readonly name: string;
      readonly protocol: number;
      readonly bootstrap: boolean;
    }
  | {
      readonly kind: "renew";
      readonly silo: SiloChoice;
      readonly expectedRev: number | "current";
      readonly load: number;
      readonly state: "alive" | "draining";
    }
  | {
      readonly kind: "markDead";
      readonly silo: SiloChoice;
      readonly expectedRev: number | "absent" | "current";
    }
  | { readonly kind: "sweep"; readonly silo: SiloChoice }
  | { readonly kind: "open"; readonly storeId: string }
  | { readonly kind: "claim"; readonly items: readonly ClaimChoice[] }
  | {
      readonly kind: "release";
      readonly items: readonly { readonly actor: ActorAddress; readonly token: string }[];
    }
  | { readonly kind: "reclaim"; readonly actor: ActorAddress; readonly times: number }
  | { readonly kind: "again"; readonly back: number }
  | { readonly kind: "look" | "reopen" }
  | { readonly kind: "foreign"; readonly silo: SiloChoice }
  | { readonly kind: "lose owner"; readonly actor: ActorAddress };

const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);
const batch = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(item, { minLength: 1, maxLength: 3 });
/** The value of the moment, mostly. */
const currentOr = <T>(other: fc.Arbitrary<T>): fc.Arbitrary<T | "current"> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant("current" as const) }, other);

const silo = (living: number, known: number, fresh: number): fc.Arbitrary<SiloChoice> =>
  fc.record({
    of: fc.constantFrom<"living" | "known" | "new">(
      ...Array<"living">(living).fill("living"),
      ...Array<"known">(known).fill("known"),
      ...Array<"new">(fresh).fill("new"),
    ),
    at: fc.nat(5),
  });
const actor = fc.constantFrom(...ACTORS);
const token = fc.constantFrom("t0", "t1", "t2", "t3", "t4", "t5");

const claim: fc.Arbitrary<ClaimChoice> = fc.record({
  actor,
  silo: silo(6, 2, 1),
  token: fc.oneof(
    { weight: 4, arbitrary: fc.constant("new" as const) },
    { weight: 2, arbitrary: token },
    { weight: 1, arbitrary: fc.constant("past" as const) },
  ),
  expected: currentOr(
    fc.oneof(
      fc.constant("free" as const),
      token.map((named) => ({ token: named })),
    ),
  ),
  floor: fc.constantFrom(...FLOORS),
  reason: fc.constantFrom<ClaimReason>("call", "takeover", "reactivate", "above-fence", "recovery"),
});

export const directoryCommand: fc.Arbitrary<DirectoryCommand> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind("register"),
      silo: silo(1, 1, 3),
      name: fc.constantFrom("north", "north", "south", "west"),
      protocol: fc.constantFrom(...Array<number>(9).fill(PROTOCOL_VERSION), PROTOCOL_VERSION + 1),
      bootstrap: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kind("renew"),
      silo: silo(4, 2, 1),
      expectedRev: currentOr(fc.nat(5)),
      load: fc.nat(1_000),
      state: fc.constantFrom<"alive" | "draining">("alive", "alive", "alive", "draining"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind("markDead"),
      silo: silo(3, 3, 1),
      expectedRev: currentOr(fc.oneof(fc.constant("absent" as const), fc.nat(5))),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind("sweep"), silo: silo(1, 6, 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind("open"), storeId: fc.constantFrom(STORE_ID, "other") }),
  },
  { weight: 12, arbitrary: fc.record({ kind: kind("claim"), items: batch(claim) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind("release"),
      items: batch(fc.record({ actor, token: currentOr(token) })),
    }),
  },
  // What an owner does that activates again and again (R11): fills the history of claims.
  {
    weight: 5,
    arbitrary: fc.record({
      kind: kind("reclaim"),
      actor,
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  // An earlier request once more: what a caller does that got no answer, and what the network does that is late (R7, R8).
  { weight: 4, arbitrary: fc.record({ kind: kind("again"), back: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("look") }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("reopen") }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("foreign"), silo: silo(1, 0, 0) }) },
  // Of a member that owns something: others matter less (R16).
  { weight: 2, arbitrary: fc.record({ kind: kind("lose owner"), actor }) },
);

const register = { kind: "register", protocol: PROTOCOL_VERSION, bootstrap: true } as const;
const anew = { of: "new", at: 0 } as const;

/** Too rare to wait for: a newcomer that is refused for two reasons at once. */
export const REFUSED_TWICE: readonly DirectoryCommand[] = [
  { ...register, silo: anew, name: "north" },
  { ...register, silo: anew, name: "south" },
  { kind: "foreign", silo: { of: "living", at: 1 } },
  { ...register, silo: anew, name: "north" },
];
