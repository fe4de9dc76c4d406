// Names that have broken stores before: each must be kept apart from all the others.
import type { ActorAddress } from "@tenure/core/internal";

export const STRANGE_IDS: readonly string[] = [
  "plain",
  "Plain",
  " ",
  "  ",
  "plain ",
  " plain",
  ".",
  "..",
  "a.b",
  "a.*",
  "*",
  ">",
  "a.>",
  "$JS.API.>",
  "two words",
  "tab\there",
  "line\nbreak",
  "line\r\nPUB x 1",
  "\u0000",
  "nul\u0000inside",
  "a/b",
  "a//b",
  "/",
  "a:b",
  ":",
  "{tag}",
  "a'b",
  'a"b',
  "'; DROP TABLE rows; --",
  "%",
  "_",
  "%2F",
  "\\",
  "[a-z]?",
  "😀",
  "👩‍👩‍👧",
  "é",
  "e\u0301",
  "日本語",
  "\u202Eright to left",
  "\uFEFF",
  "\u{10FFFF}",
  // Normalized, these are one another: composed and not, compatible forms, full width, Turkish and Greek cases.
  "\u00C5",
  "A\u030A",
  "\u212B",
  "\uFB01",
  "fi",
  "\uFF50lain",
  "\u0130",
  "i\u0307",
  "\u03C2",
  "\u03C3",
  // The same in base64url but for the case of its letters.
  "aaa",
  "aaG",
  // What other ids look like as keys.
  "cGxhaW4",
  "cGxhaW4=",
  "Strange/cGxhaW4",
  "Strange%2FcGxhaW4",
  "__proto__",
  "constructor",
  "undefined",
  "null",
  "0",
  "00",
  "-1",
  "1e3",
  "x".repeat(512),
];

/** Every strange id in one type, and types and ids that a careless join would confuse. */
export const STRANGE_ACTORS: readonly ActorAddress[] = [
  ...STRANGE_IDS.map((id) => ({ type: "Strange", id })),
  { type: "Strange.a", id: "b" },
  { type: "Strange", id: "a.b.c" },
  { type: "Strange.a.b", id: "c" },
  { type: "Strange-a", id: "b" },
  { type: "Strange_a", id: "b" },
  { type: "strange", id: "plain" },
];

/** The cluster, and some that a careless join, pattern or comparison would take for it. */
export function clustersLike(cluster: string): readonly string[] {
  const tails = ["-2", "_2", "-", "_", "-row", "-directory", "-all"];
  return [cluster, cluster.toUpperCase(), ...tails.map((tail) => cluster + tail), `${cluster}a`];
}

export function actors(count: number, type = "Cart"): ActorAddress[] {
  return Array.from({ length: count }, (_, i) => ({ type, id: `actor-${i}` }));
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** `count` bytes that repeat nothing for a while, all values among them. */
export function pattern(count: number, seed = 0): Uint8Array {
  const made = new Uint8Array(count);
  for (let i = 0; i < count; i++) made[i] = (i * 31 + (i >>> 8) * 7 + seed) & 0xff;
  return made;
}
