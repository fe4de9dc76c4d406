// What today's code must find in the stores of any release.
import type { ActorClient } from "tenure";
import { expect } from "vitest";
import { Archive, everything, IDS, type Kept } from "./archive.ts";
import { LaterArchive } from "./later-archive.ts";

/** With the class as it was stored. */
export async function checkArchive(client: ActorClient): Promise<void> {
  for (const [i, id] of IDS.entries())
    expect(await client.get(Archive, id).show()).toEqual({
      note: `note ${i}`,
      anything: [i, id],
      writes: 1,
    });
  const all = await client.get(Archive, "everything").show();
  expect(all).toStrictEqual({
    note: "all of it",
    anything: everything(),
    writes: 1,
  } satisfies Kept);
  const [first, second] = (all.anything as { shared: [unknown, unknown] }).shared;
  expect(first).toBe(second);
  expect(Object.keys(all.anything as object)).toEqual(Object.keys(everything()));

  // Neither runs again.
  const keyed = client.get(Archive, "keyed");
  expect(await keyed.$with({ idempotencyKey: "order 17" }).keep("by key")).toBe(1);
  const numbered = keyed.$with({ idempotencyKey: { sender: "shop", sequence: 5 } });
  expect(await numbered.keep("by number")).toBe(2);
  expect(await keyed.show()).toMatchObject({ note: "by number", writes: 2 });
  expect(await keyed.keep("anew")).toBe(3);

  expect(await client.get(Archive, "never seen").keep("first")).toBe(1);
}

/** With a later version of it. */
export async function checkLaterArchive(client: ActorClient): Promise<void> {
  const { notes, from, anything } = await client.get(LaterArchive, "everything").show();
  expect([notes, from]).toEqual([["all of it"], 1]);
  expect(anything).toStrictEqual(everything());
  expect(await client.get(LaterArchive, "plain").keep("and more")).toBe(2);
  expect(await client.get(LaterArchive, "plain").show()).toMatchObject({
    notes: ["note 0", "and more"],
  });
}
