// Which incarnations were watched for long enough, as tables.
import type { MemberRecord } from "@tenure/core/internal";
import { expect, test } from "vitest";
import {
  expired,
  nextExpiryMs,
  type Rev,
  sightings,
  type Watches,
  watchesAfterPoll,
} from "./observation.ts";

const WATCH_MS = 1_000;

function member(incarnation: string, changes: Partial<MemberRecord> = {}): MemberRecord {
  return {
    incarnation,
    name: incarnation,
    rev: 1,
    counter: 1,
    state: "alive",
    protocol: 1,
    types: {},
    roles: [],
    load: 0,
    ...changes,
  };
}

/** Polls of one silo "a", answered at once: what was expired at the last. */
function watched(...polls: [atMs: number, rev: Rev | undefined, broken?: "broken"][]): string[] {
  let watches: Watches = new Map();
  let out: string[] = [];
  for (const [atMs, rev, broken] of polls) {
    const seen = rev === undefined ? [] : [{ incarnation: "a", rev }];
    watches = watchesAfterPoll(watches, seen, broken === undefined, atMs);
    out = expired(watches, WATCH_MS, atMs).map((one) => `${one.incarnation}@${one.rev}`);
  }
  return out;
}

test.each<[string, Parameters<typeof watched>, string[]]>([
  ["seen once", [[0, 7]], []],
  [
    "a moment too short",
    [
      [0, 7],
      [999, 7],
    ],
    [],
  ],
  [
    "long enough",
    [
      [0, 7],
      [500, 7],
      [1_000, 7],
    ],
    ["a@7"],
  ],
  [
    "it renewed (W1)",
    [
      [0, 7],
      [500, 8],
      [1_000, 8],
    ],
    [],
  ],
  [
    "it renewed, and then a whole wait",
    [
      [0, 7],
      [500, 8],
      [1_500, 8],
    ],
    ["a@8"],
  ],
  [
    "its rev went back (W1)",
    [
      [0, 7],
      [500, 6],
      [1_000, 6],
    ],
    [],
  ],
  [
    "the watching broke (W2)",
    [
      [0, 7],
      [500, 7, "broken"],
      [1_000, 7],
    ],
    [],
  ],
  [
    "the watching broke, and then a whole wait",
    [
      [0, 7],
      [500, 7, "broken"],
      [1_500, 7],
    ],
    ["a@7"],
  ],
  [
    "it was out of sight",
    [
      [0, 7],
      [500, undefined],
      [1_000, 7],
    ],
    [],
  ],
  [
    "it has no record (R16)",
    [
      [0, "absent"],
      [1_000, "absent"],
    ],
    ["a@absent"],
  ],
  [
    "its record came (R16)",
    [
      [0, "absent"],
      [500, 1],
      [1_000, 1],
    ],
    [],
  ],
])("%s", (_what, polls, expected) => {
  expect(watched(...polls)).toEqual(expected);
});

test("a wait counts from the answer of the first poll to the asking of the last (W3)", () => {
  const slow = watchesAfterPoll(new Map(), [{ incarnation: "a", rev: 7 }], false, 300);
  expect(expired(slow, WATCH_MS, 1_299)).toEqual([]);
  expect(expired(slow, WATCH_MS, 1_300)).toEqual([{ incarnation: "a", rev: 7 }]);
});

test("the next poll is due when the first wait ends", () => {
  const first = watchesAfterPoll(new Map(), [{ incarnation: "a", rev: 1 }], true, 100);
  const both = watchesAfterPoll(
    first,
    [
      { incarnation: "a", rev: 1 },
      { incarnation: "b", rev: 1 },
    ],
    true,
    400,
  );
  expect(nextExpiryMs(both.values(), WATCH_MS)).toBe(1_100);
  expect(nextExpiryMs([], WATCH_MS)).toBe(Infinity);
});

test("all but oneself and the dead are watched, and those whose record is missing", () => {
  const members = [
    member("me"),
    member("a", { rev: 4 }),
    member("b", { state: "dead" }),
    member("c", { state: "draining" }),
  ];
  expect(sightings(members, "me", new Set(["a", "b", "gone"]))).toEqual([
    { incarnation: "a", rev: 4 },
    { incarnation: "c", rev: 1 },
    { incarnation: "gone", rev: "absent" },
  ]);
});
