// The decisions about ownership, as a table of cases and as properties over random histories.
import { describe, expect, test } from "vitest";
import {
  type ClaimAnswer,
  type ClaimRequest,
  type ClaimView,
  CLAIMS_KEPT,
  decideClaim,
  decideLoad,
  decideMarkDead,
  decideRegister,
  decideRelease,
  decideRenew,
  decideSave,
  decideVerify,
  type DirectoryEntry,
  type MarkDeadAnswer,
  type MemberRecord,
  PROTOCOL_VERSION,
  type RegisterAnswer,
  type RenewAnswer,
  ROW_FORMAT,
  type RowMeta,
  type SaveAnswer,
  type Sentinel,
} from "./ownership-rules.ts";

const ACTOR = { type: "Cart", id: "alice" };
const OPEN: Sentinel = { storeId: "store", open: true };
const CLOSED: Sentinel = { storeId: "store", open: false };

function member(changes: Partial<MemberRecord> = {}): MemberRecord {
  return {
    incarnation: "me",
    name: "silo-1",
    rev: 5,
    counter: 9,
    state: "alive",
    protocol: PROTOCOL_VERSION,
    types: { Cart: 1 },
    roles: ["edge"],
    load: 3,
    ...changes,
  };
}

function entry(changes: Partial<DirectoryEntry> = {}): DirectoryEntry {
  const claims = [
    { generation: 6, incarnation: "other", token: "before", reason: "call", counter: 3 },
    { generation: 7, incarnation: "other", token: "held", reason: "takeover", counter: 4 },
  ] as const;
  return { incarnation: "other", token: "held", generation: 7, free: false, claims, ...changes };
}

function row(changes: Partial<RowMeta> = {}): RowMeta {
  return {
    format: ROW_FORMAT,
    generation: 7,
    token: "held",
    etag: "e1",
    version: 3,
    due: 10,
    ...changes,
  };
}

describe("register", () => {
  const request = {
    incarnation: "me",
    name: "silo-1",
    types: { Cart: 2 },
    roles: ["new"],
    protocol: PROTOCOL_VERSION,
    proposedStoreId: "proposed",
    bootstrap: false,
  };
  const fresh = member({ rev: 1, counter: 1, types: { Cart: 2 }, roles: ["new"], load: 0 });
  const namesake = member({ incarnation: "other" });
  const foreign = member({ incarnation: "other", name: "silo-2", protocol: PROTOCOL_VERSION + 1 });
  const dead = (record: MemberRecord): MemberRecord => ({ ...record, state: "dead" });
  const proposed = (open: boolean): Sentinel => ({ storeId: "proposed", open });

  test.each<[string, MemberRecord[], Sentinel | undefined, boolean, RegisterAnswer]>([
    ["first of all", [], undefined, false, { ok: true, member: fresh, sentinel: proposed(false) }],
    [
      "declared new (R13)",
      [],
      undefined,
      true,
      { ok: true, member: fresh, sentinel: proposed(true) },
    ],
    ["a sentinel is there", [], OPEN, false, { ok: true, member: fresh, sentinel: OPEN }],
    [
      "new says nothing to a closed one",
      [],
      CLOSED,
      true,
      { ok: true, member: fresh, sentinel: CLOSED },
    ],
    ["again (R8)", [member()], OPEN, false, { ok: true, member: member(), sentinel: OPEN }],
    ["own death (O1)", [dead(member())], OPEN, false, { ok: false, refusal: "dead" }],
    [
      "a living namesake",
      [namesake],
      OPEN,
      false,
      { ok: false, refusal: "name-taken", holder: namesake },
    ],
    ["a dead namesake", [dead(namesake)], OPEN, false, { ok: true, member: fresh, sentinel: OPEN }],
    [
      "another protocol",
      [foreign],
      OPEN,
      false,
      { ok: false, refusal: "protocol", holder: foreign },
    ],
    ["a dead foreigner", [dead(foreign)], OPEN, false, { ok: true, member: fresh, sentinel: OPEN }],
    ["both", [namesake, foreign], OPEN, false, { ok: false, refusal: "protocol", holder: foreign }],
  ])("%s", (_, members, sentinel, bootstrap, answer) => {
    expect(decideRegister(members, sentinel, { ...request, bootstrap })).toEqual(answer);
  });
});

describe("renew", () => {
  const request = { incarnation: "me", expectedRev: 5, load: 8, state: "alive" } as const;
  const dead = member({ state: "dead" });
  const later = member({ rev: 6 });

  test.each<[string, MemberRecord | undefined, "alive" | "draining", RenewAnswer]>([
    [
      "at its rev",
      member(),
      "alive",
      { ok: true, member: member({ rev: 6, counter: 10, load: 8 }) },
    ],
    [
      "into draining",
      member(),
      "draining",
      { ok: true, member: member({ rev: 6, counter: 10, load: 8, state: "draining" }) },
    ],
    [
      "draining is not undone",
      member({ state: "draining" }),
      "alive",
      { ok: true, member: member({ rev: 6, counter: 10, load: 8, state: "draining" }) },
    ],
    ["no record", undefined, "alive", { ok: false, refusal: "absent" }],
    ["dead (O1)", dead, "alive", { ok: false, refusal: "dead", member: dead }],
    ["another rev", later, "alive", { ok: false, refusal: "conflict", member: later }],
  ])("%s", (_, record, state, answer) => {
    expect(decideRenew(record, { ...request, state })).toEqual(answer);
  });
});

describe("mark dead", () => {
  const dead = member({ rev: 6, state: "dead", load: 0 });
  const unknown = {
    ...member({ name: "", rev: 1, counter: 1, state: "dead", load: 0 }),
    types: {},
    roles: [],
  };

  test.each<[string, MemberRecord | undefined, number | "absent", MarkDeadAnswer]>([
    ["at the rev seen (R3)", member(), 5, { ok: true, member: dead }],
    ["renewed since (H4)", member(), 4, { ok: false, refusal: "conflict", member: member() }],
    ["again", dead, 5, { ok: true, member: dead }],
    ["again, by one who saw no record", dead, "absent", { ok: true, member: dead }],
    ["absent made dead (R16)", undefined, "absent", { ok: true, member: unknown }],
    ["absent, though seen", undefined, 5, { ok: false, refusal: "absent" }],
    ["not absent", member(), "absent", { ok: false, refusal: "conflict", member: member() }],
  ])("%s", (_, record, expectedRev, answer) => {
    expect(decideMarkDead(record, { incarnation: "me", expectedRev })).toEqual(answer);
  });
});

describe("claim", () => {
  const request: ClaimRequest = {
    actor: ACTOR,
    incarnation: "me",
    token: "mine",
    expected: { token: "held" },
    floor: 0,
    reason: "takeover",
  };
  const free: ClaimRequest = { ...request, expected: "free" };
  const view: ClaimView = {
    sentinel: OPEN,
    counter: 20,
    entry: entry(),
    owner: member({ incarnation: "other", state: "dead" }),
    claimant: member(),
  };
  const alive = member({ incarnation: "other" });
  const owned = (held: DirectoryEntry): ClaimAnswer => ({
    ok: false,
    refusal: "owned",
    entry: held,
  });
  const granted = (generation: number): ClaimAnswer => ({ ok: true, generation, counter: 10 });
  const unowned = { entry: undefined, owner: undefined };

  test.each<[string, Partial<ClaimView>, ClaimRequest, ClaimAnswer]>([
    ["an absent entry", unowned, free, granted(21)],
    ["a free entry", { entry: entry({ free: true }), owner: alive }, free, granted(21)],
    ["a dead owner's (I6)", {}, request, granted(21)],
    ["above the floor (O3)", {}, { ...request, floor: 100 }, granted(101)],
    ["above the entry (O3)", { entry: entry({ generation: 50 }) }, request, granted(51)],
    [
      "its own, by name (R11)",
      { entry: entry({ incarnation: "me" }), owner: member() },
      request,
      granted(21),
    ],
    [
      "its own, unnamed",
      { entry: entry({ incarnation: "me" }), owner: member() },
      free,
      owned(entry({ incarnation: "me" })),
    ],
    ["a living owner's", { owner: alive }, request, owned(entry())],
    ["a draining owner's", { owner: { ...alive, state: "draining" } }, request, owned(entry())],
    ["a dead owner's, unnamed (R2)", {}, free, owned(entry())],
    [
      "another claim was seen (H3)",
      {},
      { ...request, expected: { token: "before" } },
      owned(entry()),
    ],
    [
      "the owner has no record (R16)",
      { owner: undefined },
      request,
      { ok: false, refusal: "owner-absent", entry: entry() },
    ],
    ["free by now", { entry: entry({ free: true }) }, request, { ok: false, refusal: "changed" }],
    ["absent by now", unowned, request, { ok: false, refusal: "changed" }],
    [
      "again (R8)",
      {
        entry: entry({
          incarnation: "me",
          token: "mine",
          claims: [{ generation: 7, incarnation: "me", token: "mine", reason: "call", counter: 6 }],
        }),
      },
      free,
      { ok: true, generation: 7, counter: 6 },
    ],
    [
      "again, after its release",
      { entry: entry({ incarnation: "me", token: "held", free: true }) },
      { ...free, token: "held" },
      { ok: false, refusal: "token-used" },
    ],
    ["again, displaced", {}, { ...request, token: "before" }, { ok: false, refusal: "token-used" }],
    [
      "a dead claimant (R18)",
      { claimant: member({ state: "dead" }) },
      request,
      { ok: false, refusal: "claimant-not-alive" },
    ],
    [
      "a draining claimant",
      { claimant: member({ state: "draining" }) },
      request,
      { ok: false, refusal: "claimant-not-alive" },
    ],
    [
      "an unknown claimant",
      { claimant: undefined },
      request,
      { ok: false, refusal: "claimant-not-alive" },
    ],
    [
      "absent and not open (R13)",
      { ...unowned, sentinel: CLOSED },
      free,
      { ok: false, refusal: "closed" },
    ],
    [
      "absent, no sentinel (R13)",
      { ...unowned, sentinel: undefined },
      free,
      { ok: false, refusal: "closed" },
    ],
    ["present though not open", { sentinel: CLOSED }, request, granted(21)],
  ])("%s", (_, changes, asked, answer) => {
    const decision = decideClaim({ ...view, ...changes }, asked);
    expect(decision.answer).toEqual(answer);
    // Only a claim that is granted now changes anything.
    const grantedNow = answer.ok && answer.counter === 10;
    expect(Object.keys(decision)).toEqual(
      grantedNow ? ["answer", "counter", "claimant", "entry"] : ["answer"],
    );
  });

  test("a granted claim is the newest of the few that the entry remembers", () => {
    let held: DirectoryEntry | undefined;
    for (let i = 0; i < CLAIMS_KEPT * 2; i++) {
      const expected = held ? { token: held.token } : "free";
      const asked = { ...request, token: `t${i}`, expected } as const;
      held = decideClaim(
        { ...view, counter: i, entry: held, owner: undefined },
        { ...asked, incarnation: "other" },
      ).entry;
    }
    expect(held?.claims.map((claim) => claim.token)).toEqual(
      Array.from({ length: CLAIMS_KEPT }, (_, i) => `t${CLAIMS_KEPT + i}`),
    );
    expect(held?.claims.at(-1)).toEqual({
      generation: CLAIMS_KEPT * 2,
      incarnation: "other",
      token: held?.token,
      reason: "takeover",
      counter: 10,
    });
  });
});

describe("release", () => {
  test.each<[string, DirectoryEntry | undefined, string, boolean, boolean]>([
    ["by the holder's token", entry(), "held", true, true],
    ["again (R8)", entry({ free: true }), "held", true, false],
    ["by another token", entry(), "before", false, false],
    ["of nothing", undefined, "held", false, false],
  ])("%s", (_, held, token, ok, frees) => {
    expect(decideRelease(held, { actor: ACTOR, token })).toEqual({
      answer: ok ? { ok } : { ok, refusal: "not-owner" },
      ...(frees ? { entry: { ...held, free: true } } : {}),
    });
  });
});

describe("load", () => {
  const fenced = { ok: false, refusal: "fenced", generation: 7 };
  const newer = ROW_FORMAT + 1;

  test.each<[string, RowMeta | undefined, number, string, object]>([
    [
      "creates the row (R9)",
      undefined,
      3,
      "mine",
      row({ generation: 3, token: "mine", etag: "", version: 0, due: undefined }),
    ],
    ["raises the fence (O4)", row(), 8, "mine", row({ generation: 8, token: "mine" })],
    ["again (R8)", row(), 7, "held", row()],
    ["a lower generation", row(), 6, "mine", fenced],
    ["a lower generation of the same token", row(), 6, "held", fenced],
    ["the same generation of another token (R1)", row(), 7, "mine", fenced],
    [
      "a newer format",
      row({ format: newer }),
      8,
      "mine",
      { ok: false, refusal: "newer-format", format: newer },
    ],
  ])("%s", (_, stored, generation, token, expected) => {
    const answer = decideLoad(stored, { actor: ACTOR, generation, token });
    expect(answer.ok ? answer.meta : answer).toEqual(expected);
  });
});

describe("save", () => {
  const request = { generation: 7, token: "held", etag: "e1", newEtag: "e2", due: 99 };
  const fenced = (generation: number): SaveAnswer => ({ ok: false, refusal: "fenced", generation });
  const applied = row({ etag: "e2", version: 4, due: 99 });

  test.each<[string, RowMeta | undefined, Partial<typeof request>, SaveAnswer, RowMeta?]>([
    ["the holder's", row(), {}, { ok: true }, applied],
    ["no row (R9)", undefined, {}, fenced(0)],
    ["another token (R1)", row(), { token: "mine" }, fenced(7)],
    ["an older generation", row(), { generation: 6 }, fenced(7)],
    ["a newer generation", row(), { generation: 8 }, fenced(7)],
    ["a stale etag", row(), { etag: "e0" }, { ok: false, refusal: "conflict", etag: "e1" }],
    ["fenced comes before conflict", row(), { token: "mine", etag: "e0" }, fenced(7)],
    ["again (R8)", applied, {}, { ok: true }],
    ["again, fenced since (H11)", { ...applied, generation: 8, token: "theirs" }, {}, { ok: true }],
    [
      "again, replaced since",
      row({ etag: "e3" }),
      {},
      { ok: false, refusal: "conflict", etag: "e3" },
    ],
  ])("%s", (_, stored, changes, answer, meta) => {
    expect(decideSave(stored, { ...request, ...changes })).toEqual(
      meta ? { answer, meta } : { answer },
    );
  });
});

test("verify says whether the row still holds token and generation", () => {
  const claim = { generation: 7, token: "held" };
  expect(decideVerify(row(), claim)).toBe(true);
  expect(decideVerify(row(), { ...claim, generation: 8 })).toBe(false);
  expect(decideVerify(row(), { ...claim, token: "mine" })).toBe(false);
  expect(decideVerify(undefined, claim)).toBe(false);
});
