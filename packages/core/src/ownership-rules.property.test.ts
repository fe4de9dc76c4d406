// Properties of the decisions over random histories of one actor: whatever silos do, in any order, and however often a
// message is repeated. Names come from small pools, so that requests meet.
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decideClaim,
  decideLoad,
  decideMarkDead,
  decideRegister,
  decideRelease,
  decideRenew,
  decideSave,
  decideVerify,
  type DirectoryEntry,
  type MemberRecord,
  PROTOCOL_VERSION,
  type RowMeta,
} from "./ownership-rules.ts";

const ACTOR = { type: "Cart", id: "alice" };
const SENTINEL = { storeId: "store", open: true };

interface World {
  readonly members: Readonly<Record<string, MemberRecord>>;
  readonly counter: number;
  readonly entry: DirectoryEntry | undefined;
  readonly row: RowMeta | undefined;
}

const EMPTY: World = { members: {}, counter: 0, entry: undefined, row: undefined };

// "seen" stands for what the world holds when the request is made: without it, requests would hardly ever meet.
const seen = fc.constant("seen" as const);
const incarnation = fc.constantFrom("a", "b", "c", "d", "e", "f");
const token = fc.oneof(
  { weight: 2, arbitrary: seen },
  fc.constantFrom("t1", "t2", "t3", "t4", "t5", "t6"),
);
const etag = fc.oneof({ weight: 2, arbitrary: seen }, fc.constantFrom("", "e1", "e2", "e3", "e4"));
const fresh = fc.nat(99_999).map((n) => `new${n}`);
const generation = fc.oneof({ weight: 2, arbitrary: seen }, fc.integer({ min: 0, max: 9 }));
const rev = fc.oneof({ weight: 3, arbitrary: seen }, fc.integer({ min: 1, max: 4 }));
const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);

const plan = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind("register"),
      incarnation,
      name: fc.constantFrom("u", "v", "w", "x"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind("renew"),
      incarnation,
      expectedRev: rev,
      state: fc.constantFrom("alive", "alive", "alive", "draining"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kind("markDead"),
      incarnation,
      expectedRev: fc.oneof({ weight: 4, arbitrary: rev }, fc.constant("absent" as const)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: kind("claim"),
      incarnation,
      token: fc.oneof({ weight: 2, arbitrary: fresh }, token),
      expected: fc.oneof(
        fc.constant("free" as const),
        token.map((named) => ({ token: named })),
      ),
      floor: fc.nat(9),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind("release"), token }) },
  { weight: 3, arbitrary: fc.record({ kind: kind("load"), token, generation }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind("save"),
      token,
      generation,
      etag,
      newEtag: fc.oneof(fresh, etag),
    }),
  },
);
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

type Request =
  | { kind: "register"; incarnation: string; name: string }
  | { kind: "renew"; incarnation: string; expectedRev: number; state: "alive" | "draining" }
  | { kind: "markDead"; incarnation: string; expectedRev: number | "absent" }
  | {
      kind: "claim";
      incarnation: string;
      token: string;
      expected: "free" | { token: string };
      floor: number;
    }
  | { kind: "release"; token: string }
  | { kind: "load"; token: string; generation: number }
  | { kind: "save"; token: string; generation: number; etag: string; newEtag: string };

/** What is really asked, once the world is known. */
function resolve({ members, entry, row }: World, planned: Plan): Request {
  const asked: Record<string, unknown> = { ...planned };
  const see = (field: string, value: unknown): void => {
    if (asked[field] === "seen") asked[field] = value;
  };
  if ("incarnation" in planned) see("expectedRev", members[planned.incarnation]?.rev ?? 1);
  see("token", (planned.kind === "load" || planned.kind === "save" ? row : entry)?.token ?? "t1");
  see("generation", row?.generation ?? 1);
  see("etag", row?.etag ?? "");
  see("newEtag", row?.etag ?? "");
  if (planned.kind === "claim" && planned.expected !== "free" && planned.expected.token === "seen")
    asked["expected"] = { token: entry?.token ?? "t1" };
  return asked as unknown as Request;
}

interface Outcome {
  readonly world: World;
  readonly answer: { readonly ok: boolean };
}

function withMember(world: World, member: MemberRecord): World {
  return { ...world, members: { ...world.members, [member.incarnation]: member } };
}

function decide(world: World, asked: Request): Outcome {
  switch (asked.kind) {
    case "register": {
      const answer = decideRegister(Object.values(world.members), SENTINEL, {
        incarnation: asked.incarnation,
        name: asked.name,
        types: {},
        roles: [],
        protocol: PROTOCOL_VERSION,
        proposedStoreId: "store",
        bootstrap: true,
      });
      return { answer, world: answer.ok ? withMember(world, answer.member) : world };
    }
    case "renew": {
      const answer = decideRenew(world.members[asked.incarnation], { ...asked, load: 0 });
      return { answer, world: answer.ok ? withMember(world, answer.member) : world };
    }
    case "markDead": {
      const answer = decideMarkDead(world.members[asked.incarnation], asked);
      return { answer, world: answer.ok ? withMember(world, answer.member) : world };
    }
    case "claim": {
      const { members, counter, entry } = world;
      const owner = entry && members[entry.incarnation];
      const claimant = members[asked.incarnation];
      const decision = decideClaim(
        { sentinel: SENTINEL, counter, entry, owner, claimant },
        { ...asked, actor: ACTOR, reason: "call" },
      );
      const next = decision.claimant ? withMember(world, decision.claimant) : world;
      return {
        answer: decision.answer,
        world: {
          ...next,
          counter: decision.counter ?? next.counter,
          entry: decision.entry ?? next.entry,
        },
      };
    }
    case "release": {
      const { answer, entry } = decideRelease(world.entry, { actor: ACTOR, token: asked.token });
      return { answer, world: { ...world, entry: entry ?? world.entry } };
    }
    case "load": {
      const answer = decideLoad(world.row, { actor: ACTOR, ...asked });
      return { answer, world: { ...world, row: answer.ok ? answer.meta : world.row } };
    }
    case "save": {
      const { answer, meta } = decideSave(world.row, { ...asked, due: undefined });
      return { answer, world: { ...world, row: meta ?? world.row } };
    }
  }
}

interface Step {
  readonly before: World;
  readonly asked: Request;
  readonly answer: { readonly ok: boolean };
  readonly after: World;
}

const histories = fc.array(plan, { minLength: 10, maxLength: 80, size: "max" });

function stepsOf(history: readonly Plan[]): Step[] {
  let before = EMPTY;
  return history.map((planned) => {
    const asked = resolve(before, planned);
    const { world: after, answer } = decide(before, asked);
    const step = { before, asked, answer, after };
    before = after;
    return step;
  });
}

/** The report of a history, with its seed, in which some step does not have the property. */
function violation(holds: (step: Step) => boolean): string | undefined {
  const property = fc.property(histories, (history) => {
    const broken = stepsOf(history).find((step) => !holds(step));
    if (broken) throw new Error(JSON.stringify(broken));
  });
  const run = fc.check(property, { numRuns: 300 });
  return run.failed ? fc.defaultReportMessage(run) : undefined;
}

test("the histories reach what the properties are about", () => {
  const steps = fc.sample(histories, { numRuns: 300, seed: 1 }).flatMap(stepsOf);
  const count = (what: (step: Step) => boolean): number => steps.filter(what).length;
  expect(count(isTakeover)).toBeGreaterThan(10);
  expect(
    count(({ before, after }) => before.row !== undefined && isSaved(before, after)),
  ).toBeGreaterThan(10);
  expect(
    count(({ before, after }) => before.entry?.free === false && after.entry?.free === true),
  ).toBeGreaterThan(10);
  expect(count(({ asked, answer }) => asked.kind === "load" && !answer.ok)).toBeGreaterThan(10);
});

test("dead is for ever, draining is not undone and rev never goes back (O1, I5)", () => {
  const holds = ({ before, after }: Step): boolean =>
    Object.entries(before.members).every(([name, was]) => {
      const is = after.members[name]!;
      if (was.state === "dead") return isDeepStrictEqual(is, was);
      if (was.state === "draining" && is.state === "alive") return false;
      return is.rev >= was.rev && is.counter >= was.counter;
    });
  expect(violation(holds)).toBeUndefined();
});

test("no two living members have one name (R19)", () => {
  const holds = ({ after }: Step): boolean => {
    const living = Object.values(after.members).filter((member) => member.state !== "dead");
    return new Set(living.map((member) => member.name)).size === living.length;
  };
  expect(violation(holds)).toBeUndefined();
});

test("an entry, once made, stays, and its generation never goes back (O3, I7)", () => {
  const holds = ({ before, after }: Step): boolean =>
    before.entry === undefined ||
    (after.entry !== undefined && after.entry.generation >= before.entry.generation);
  expect(violation(holds)).toBeUndefined();
});

test("each grant is above its floor and above every grant before it (O3, R15)", () => {
  const holds = ({ before, asked, after }: Step): boolean => {
    if (before.entry?.token === after.entry?.token) return after.counter === before.counter;
    const granted = after.entry!.generation;
    return (
      asked.kind === "claim" &&
      granted > asked.floor &&
      granted > before.counter &&
      granted === after.counter
    );
  };
  expect(violation(holds)).toBeUndefined();
});

test("ownership moves only from nobody, from oneself or from the named dead, to the living (O2, I6)", () => {
  const holds = ({ before, asked, after }: Step): boolean => {
    const [was, is] = [before.entry, after.entry];
    if (was?.token === is?.token) return true;
    if (asked.kind !== "claim" || is?.free !== false) return false;
    if (is.token !== asked.token || is.incarnation !== asked.incarnation) return false;
    if (before.members[asked.incarnation]?.state !== "alive") return false;
    if (!was || was.free) return asked.expected === "free";
    if (asked.expected === "free" || asked.expected.token !== was.token) return false;
    return (
      was.incarnation === asked.incarnation || before.members[was.incarnation]?.state === "dead"
    );
  };
  expect(violation(holds)).toBeUndefined();
});

test("an entry becomes free only by the token that holds it (H3)", () => {
  const holds = ({ before, asked, after }: Step): boolean =>
    before.entry?.free !== false ||
    !after.entry?.free ||
    (asked.kind === "release" &&
      asked.token === before.entry.token &&
      isDeepStrictEqual({ ...after.entry, free: false }, before.entry));
  expect(violation(holds)).toBeUndefined();
});

test("the row's claim changes only by a load, and only upwards (O4, I1)", () => {
  const holds = ({ before, asked, after }: Step): boolean => {
    const [was, is] = [before.row, after.row];
    if (!was) return true;
    if (was.token === is?.token && was.generation === is.generation) return true;
    if (asked.kind !== "load" || !is || is.generation <= was.generation) return false;
    return is.etag === was.etag && is.version === was.version && is.due === was.due;
  };
  expect(violation(holds)).toBeUndefined();
});

test("a save never creates a row, and replaces only the row it was computed from (O5, I2)", () => {
  const holds = ({ before, asked, answer, after }: Step): boolean => {
    const [was, is] = [before.row, after.row];
    if (asked.kind !== "save") return !was || !isSaved(before, after);
    if (!was) return is === undefined && !answer.ok;
    if (!isSaved(before, after)) return isDeepStrictEqual(is, was);
    return (
      was.token === asked.token &&
      was.generation === asked.generation &&
      was.etag === asked.etag &&
      is!.etag === asked.newEtag &&
      is!.version === was.version + 1
    );
  };
  expect(violation(holds)).toBeUndefined();
});

test("a claim holds the row exactly when its load was granted (R9)", () => {
  const holds = ({ asked, answer, after }: Step): boolean =>
    asked.kind !== "load" || decideVerify(after.row, asked) === answer.ok;
  expect(violation(holds)).toBeUndefined();
});

test("a request that is refused changes nothing", () => {
  const holds = ({ before, answer, after }: Step): boolean =>
    answer.ok || isDeepStrictEqual(after, before);
  expect(violation(holds)).toBeUndefined();
});

test("a request sent again changes nothing, and is answered alike (O6, R8)", () => {
  const holds = ({ asked, answer, after }: Step): boolean => {
    const again = decide(after, asked);
    if (!isDeepStrictEqual(again.world, after)) return false;
    if (asked.kind !== "renew" || !answer.ok) return isDeepStrictEqual(again.answer, answer);
    // A renewal has no id of its own: repeated, it is told the record that it made, and its sender adopts that.
    const member = after.members[asked.incarnation];
    return isDeepStrictEqual(again.answer, { ok: false, refusal: "conflict", member });
  };
  expect(violation(holds)).toBeUndefined();
});

test("a save that was applied is answered OK, though the fence has moved since (H11)", () => {
  const holds = ({ asked, answer, after }: Step): boolean => {
    if (asked.kind !== "save" || !answer.ok) return true;
    const { world } = decide(after, { kind: "load", token: "t1", generation: 99 });
    return isDeepStrictEqual(decide(world, asked), { world, answer: { ok: true } });
  };
  expect(violation(holds)).toBeUndefined();
});

function isSaved(before: World, after: World): boolean {
  return before.row?.version !== after.row?.version;
}

function isTakeover({ before, after }: Step): boolean {
  const [was, is] = [before.entry, after.entry];
  return was?.free === false && is?.incarnation !== was.incarnation;
}
