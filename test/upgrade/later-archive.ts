// The actors of archive.ts with a later version of their class.
import { Actor, defineActor } from "tenure";
import type { Kept } from "./archive.ts";

export class LaterArchive extends Actor<{ notes: string[]; from: number; anything: unknown }> {
  static readonly actor = defineActor<LaterArchive>({
    type: "archive",
    version: 2,
    state: () => ({ notes: [], from: 0, anything: undefined }),
    migrate: (old, from) => {
      const { note, anything } = old as Kept;
      return { notes: [note], from, anything };
    },
    methods: { show: "read" },
  });
  async keep(note: string): Promise<number> {
    return this.state.notes.push(note);
  }
  show() {
    return this.state;
  }
}
