// What a fixture has in it: actors of these classes, called like this. Every release's stores must show the same to today's code.
//   AR1. Nothing here may change once a release has stored it; what is added needs a class of its own.
import { Actor, type ActorClient, defineActor } from "tenure";

export interface Kept {
  note: string;
  anything: unknown;
  writes: number;
}

/** Keeps anything. */
export class Archive extends Actor<Kept> {
  static readonly actor = defineActor<Archive>({
    type: "archive",
    state: () => ({ note: "", anything: undefined, writes: 0 }),
    methods: { show: "read" },
  });
  async keep(note: string, anything?: unknown): Promise<number> {
    this.state.note = note;
    this.state.anything = anything;
    return ++this.state.writes;
  }
  show(): Kept {
    return this.state;
  }
}

/** Everything that a state may be made of. */
export function everything(): Record<string, unknown> {
  const shared = { n: 1 };
  return {
    text: "ü ☃ 𝄞 \u0000 end",
    numbers: [0, -1, 0.5, 2 ** 53 - 1, -(2 ** 53) + 1, 1e300, 5e-324, NaN, Infinity, -Infinity],
    bigs: [0n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n, 2n ** 200n],
    nothing: [undefined, null],
    truth: [true, false],
    date: new Date(1_700_000_000_123),
    noDate: new Date(NaN),
    map: new Map<unknown, unknown>([
      ["a", 1],
      [2, new Set(["x", "y"])],
      [{ key: true }, undefined],
    ]),
    set: new Set<unknown>([1, "1", [1]]),
    bytes: new Uint8Array([0, 1, 254, 255]),
    floats: new Float64Array([0.5, NaN]),
    pattern: /a|b/giu,
    link: new URL("http://example.org/a?b#c"),
    shared: [shared, shared],
    deep: { er: { still: { list: [[[["here"]]]] } } },
  };
}

/** Ids by what is strange about them. */
export const IDS: readonly string[] = [
  "plain",
  "a/b c.*>%25",
  "ü☃𝄞",
  "new\nline\u0000nul",
  "x".repeat(512),
];

/** Fills stores through a silo's client. */
export async function fill(client: ActorClient): Promise<void> {
  for (const [i, id] of IDS.entries()) await client.get(Archive, id).keep(`note ${i}`, [i, id]);
  await client.get(Archive, "everything").keep("all of it", everything());
  const keyed = client.get(Archive, "keyed");
  await keyed.$with({ idempotencyKey: "order 17" }).keep("by key");
  await keyed.$with({ idempotencyKey: { sender: "shop", sequence: 5 } }).keep("by number");
}
