// The commands of the property test: few ids, tokens and etags, so that they collide. A choice such as "current" is
// resolved against the records of the moment when the command is run.
import { type ActorAddress, type ClaimReason, PROTOCOL_VERSION } from "@tenure/core/internal";
import fc from "fast-check";

export const INCARNATIONS = ["a", "b", "c"].map((digit) => digit.repeat(32));
export const ACTORS: readonly ActorAddress[] = [
  { type: "Cart", id: "alice" },
  { type: "Cart", id: "line\nbreak \u0000 日本 {x}*" },
];
const TOKENS = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "ta", "tb"];
const ETAGS = ["e0", "e1", "e2", "e3", "e4", "e5"];
export const PARTS = ["state", "k/one", "k/two", "r/daily"];
export const STORE_ID = "5".repeat(32);
// The last is odd and above 2^52: any detour through Lua's own printing of numbers would change it.
const FLOORS = [0, 0, 0, 0, 0, 0, 0, 3, 9, 2 ** 52 + 4_321];
const DUES = [undefined, undefined, 0, 1_700_000_000_000, 1_700_000_000_000.25, -5, 1e21];

const incarnation = fc.constantFrom(...INCARNATIONS);
const actor = fc.constantFrom(...ACTORS);
const token = fc.constantFrom(...TOKENS);
/** The value of the moment, mostly. */
const currentOr = <T>(other: fc.Arbitrary<T>): fc.Arbitrary<T | "current"> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant("current" as const) }, other);

const claim = fc.record({
  actor,
  incarnation,
  token,
  expected: currentOr(fc.oneof(fc.constant("free" as const), fc.record({ token }))),
  floor: fc.constantFrom(...FLOORS),
  reason: fc.constantFrom<ClaimReason>("call", "takeover", "reactivate", "above-fence", "recovery"),
});
const load = fc.record({
  actor,
  generation: currentOr(fc.constantFrom(0, 1, 2, 3, 2 ** 52 + 4_323)),
  token: currentOr(token),
});
const save = fc.record({
  actor,
  generation: currentOr(fc.constantFrom(0, 1, 2, 3)),
  token: currentOr(token),
  etag: currentOr(fc.constantFrom(...ETAGS)),
  newEtag: fc.constantFrom(...ETAGS),
  put: fc.dictionary(fc.constantFrom(...PARTS), fc.uint8Array({ maxLength: 40, size: "max" }), {
    maxKeys: 3,
  }),
  del: fc.uniqueArray(fc.constantFrom(...PARTS), { maxLength: 2 }),
  due: fc.constantFrom(...DUES),
});
const batch = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(item, { minLength: 1, maxLength: 3 });

export const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("register" as const),
      incarnation,
      name: fc.constantFrom("north", "north", "south", "west"),
      protocol: fc.constantFrom(...Array<number>(9).fill(PROTOCOL_VERSION), PROTOCOL_VERSION + 1),
      bootstrap: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("renew" as const),
      incarnation,
      expectedRev: currentOr(fc.nat(5)),
      load: fc.nat(1_000),
      state: fc.constantFrom("alive", "alive", "alive", "draining"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("markDead" as const),
      incarnation,
      expectedRev: currentOr(fc.oneof(fc.constant("absent" as const), fc.nat(5))),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("open" as const),
      storeId: fc.constantFrom(STORE_ID, "other"),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant("claim" as const), items: batch(claim) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("release" as const),
      items: batch(fc.record({ actor, token: currentOr(token) })),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("load" as const), items: batch(load) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("save" as const), items: batch(save) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("verify" as const), items: batch(load) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("due" as const),
      actor,
      time: fc.constantFrom(-10, 0, 1_700_000_000_000, 1e22),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("parts" as const), actor }) },
  // What an owner does that activates again and again (R11), with tokens of its own: fills the history of claims.
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("reclaim" as const),
      actor,
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  // A silo of another version, which could not have registered beside the others.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("foreign" as const), incarnation }) },
  // Of a member that owns something: others matter less (R16).
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("lose owner" as const), actor }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("newer row" as const), actor }) },
  // The same request as before: what a caller does that got no answer (R7, R8).
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("again" as const) }) },
);
export type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

const register = { kind: "register", protocol: PROTOCOL_VERSION, bootstrap: true } as const;
const [NORTH, SOUTH, THIRD] = INCARNATIONS as [string, string, string];

/** Too rare to wait for: a newcomer that is refused for two reasons at once. */
export const RARE: readonly Command[] = [
  { ...register, incarnation: NORTH, name: "north" },
  { ...register, incarnation: SOUTH, name: "south" },
  { kind: "foreign", incarnation: SOUTH },
  { ...register, incarnation: THIRD, name: "north" },
];
