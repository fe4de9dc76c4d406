// State that is saved where the class says so, and forgotten where it says so.
import { Actor, type CallError, defineActor } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";

class Draft extends Actor<{ text: string }> {
  static readonly actor = defineActor<Draft>({
    type: "draft",
    state: () => ({ text: "" }),
    commit: "explicit",
    methods: { text: "read", readAndCommit: "read" },
  });
  async type(text: string) {
    return (this.state.text += text);
  }
  async typeAndThrow(text: string) {
    this.state.text += text;
    throw new Error("thrown");
  }
  async save() {
    await this.ctx.commit();
  }
  async saveThenThrow(text: string) {
    this.state.text += text;
    await this.ctx.commit();
    this.state.text += "!";
    throw new Error("thrown");
  }
  async forget(text?: string) {
    await this.ctx.clear();
    if (text !== undefined) this.state.text = text;
  }
  async forgetAndThrow() {
    await this.ctx.clear();
    throw new Error("thrown");
  }
  async end() {
    this.ctx.deactivate();
  }
  text() {
    return this.state.text;
  }
  async readAndCommit() {
    await this.ctx.commit();
  }
  async saveBroken() {
    (this.state as unknown as { f: unknown }).f = () => 1;
    const error = await this.ctx.commit().catch((e: unknown) => e);
    delete (this.state as unknown as { f: unknown }).f;
    return (error as CallError).message;
  }
}

class Note extends Actor<{ text: string; made: number }> {
  static made = 0;
  static readonly actor = defineActor<Note>({
    type: "note",
    state: () => ({ text: "", made: ++Note.made }),
    methods: { get: "read" },
  });
  async write(text: string) {
    return (this.state.text = text);
  }
  async commitThenThrow(text: string) {
    this.state.text = text;
    await this.ctx.commit();
    this.state.text = "lost";
    throw new Error("thrown");
  }
  async clear(text?: string) {
    await this.ctx.clear();
    if (text !== undefined) this.state.text = text;
  }
  async clearAndThrow() {
    await this.ctx.clear();
    this.state.text = "other";
    throw new Error("thrown");
  }
  async end() {
    this.ctx.deactivate();
  }
  get() {
    return { ...this.state };
  }
}

class Bare extends Actor {
  static readonly actor = defineActor<Bare>({ type: "bare" });
  async commit() {
    await this.ctx.commit();
  }
}

async function silo() {
  const t = await testSilos({ actors: [Draft, Note, Bare], silos: 1 });
  const { client } = t.silos[0]!;
  return { t, draft: client.get(Draft, "a"), note: client.get(Note, "a"), client };
}

test("with explicit commits a turn's end saves nothing: what is not committed is gone with the activation", async () => {
  const { t, draft } = await silo();
  await using _ = t;
  expect(await draft.type("a")).toBe("a");
  expect(await draft.text()).toBe("a");
  await draft.end();
  expect(await draft.text()).toBe("");
});

test("ctx.commit() saves the state as it is, for the next activation", async () => {
  const { t, draft } = await silo();
  await using _ = t;
  await draft.type("a");
  await draft.save();
  await draft.type("b");
  await draft.end();
  expect(await draft.text()).toBe("a");
});

test("a throw goes back to the last commit, also past turns that had ended without one", async () => {
  const { t, draft } = await silo();
  await using _ = t;
  await draft.type("a");
  expect(await rejection(draft.saveThenThrow("b"))).toMatchObject({ message: "thrown" });
  expect(await draft.text()).toBe("ab");
  await draft.type("c");
  await rejection(draft.typeAndThrow("d"));
  expect(await draft.text()).toBe("ab");
});

test("a call with an idempotency key commits once, at its end: its effect and its key together", async () => {
  const { t, draft } = await silo();
  await using _ = t;
  const keyed = draft.$with({ idempotencyKey: "k" });
  expect(await keyed.type("a")).toBe("a");
  await draft.end();
  expect(await keyed.type("a")).toBe("a");
  expect(await draft.text()).toBe("a");
});

test("ctx.commit() in a call with an idempotency key throws and says why", async () => {
  const { t, draft } = await silo();
  await using _ = t;
  const error = await rejection(draft.$with({ idempotencyKey: "k" }).save());
  expect(error).toMatchObject({ code: "KEYED_COMMIT" });
});

test("ctx.commit() is refused in a read, and for an actor without state", async () => {
  const { t, draft, client } = await silo();
  await using _ = t;
  expect(await rejection(draft.readAndCommit())).toMatchObject({ code: "READ_ONLY_STATE" });
  expect(String(await rejection(client.get(Bare, "b").commit()))).toContain("has no state");
});

test("a state that cannot be stored fails ctx.commit() with its path, and the turn may mend it", async () => {
  const { t, draft } = await silo();
  await using _ = t;
  expect(await draft.saveBroken()).toContain("state.f");
  await draft.save();
  await draft.end();
  expect(await draft.text()).toBe("");
});

test("where turns commit by themselves, ctx.commit() is a point to which a throw goes back", async () => {
  const { t, note } = await silo();
  await using _ = t;
  expect(await rejection(note.commitThenThrow("kept"))).toMatchObject({ message: "thrown" });
  expect((await note.get()).text).toBe("kept");
  await note.end();
  expect((await note.get()).text).toBe("kept");
});

test("ctx.clear() makes the state the first one again, for this activation and the next", async () => {
  const { t, note } = await silo();
  await using _ = t;
  await note.write("a");
  const { made } = await note.get();
  await note.clear();
  expect(await note.get()).toMatchObject({ text: "" });
  expect((await note.get()).made).toBeGreaterThan(made);
  expect(await t.silos[0]!.admin.deactivate(Note, "a")).toBe(true);
  const before = Note.made;
  expect((await note.get()).text).toBe("");
  // Nothing was stored in its place: the class was asked anew.
  expect(Note.made).toBe(before + 1);
});

test("what is changed after ctx.clear() in the same turn is saved", async () => {
  const { t, note } = await silo();
  await using _ = t;
  await note.write("a");
  await note.clear("b");
  await note.end();
  expect((await note.get()).text).toBe("b");
});

test("a throw takes ctx.clear() back, with state and keys", async () => {
  const { t, note } = await silo();
  await using _ = t;
  const keyed = note.$with({ idempotencyKey: "k" });
  await keyed.write("a");
  await rejection(note.clearAndThrow());
  expect((await note.get()).text).toBe("a");
  await note.write("b");
  expect(await keyed.write("a")).toBe("a");
  expect((await note.get()).text).toBe("b");
});

test("ctx.clear() forgets the idempotency keys: the same key is a new call, also after a new activation", async () => {
  const { t, note } = await silo();
  await using _ = t;
  const keyed = note.$with({ idempotencyKey: "k" });
  const numbered = note.$with({ idempotencyKey: { sender: "s", sequence: 5 } });
  await keyed.write("a");
  await numbered.write("a");
  await note.clear();
  await note.end();
  await keyed.write("a");
  expect((await note.get()).text).toBe("a");
  await note.write("b");
  await numbered.write("a");
  expect((await note.get()).text).toBe("a");
});

test("ctx.clear() in a call with an idempotency key keeps that call's own key", async () => {
  const { t, note } = await silo();
  await using _ = t;
  await note.$with({ idempotencyKey: "old" }).write("a");
  const clear = note.$with({ idempotencyKey: "clear" });
  await clear.clear("first");
  await note.end();
  await note.write("later");
  await clear.clear("first");
  expect((await note.get()).text).toBe("later");
  await note.$with({ idempotencyKey: "old" }).write("a");
  expect((await note.get()).text).toBe("a");
});

test("with explicit commits ctx.clear() is saved by ctx.commit() only", async () => {
  const { t, draft } = await silo();
  await using _ = t;
  await draft.type("a");
  await draft.save();
  await draft.forget();
  expect(await draft.text()).toBe("");
  await draft.end();
  expect(await draft.text()).toBe("a");
  await draft.forget();
  await draft.save();
  await draft.end();
  expect(await draft.text()).toBe("");
});
