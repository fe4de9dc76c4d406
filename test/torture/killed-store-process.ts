// A process with a silo on the embedded store, which writes what it is told to and says what was acknowledged, until it is killed.
import { createSilo } from "tenure";
import { embedded } from "@tenure/sqlite";
import { Notebook } from "./notebook.ts";

/** Write this number into that notebook. */
export interface WriteOrder {
  readonly notebook: string;
  readonly number: number;
}

export type KilledSays =
  | { readonly kind: "serving" }
  | {
      readonly kind: "acknowledged";
      readonly number: number;
      /** Calls that were open when this one was answered. */
      readonly open: number;
    }
  | { readonly kind: "failed"; readonly number: number; readonly error: string };

const [, script, dir] = process.argv;
if (script === import.meta.filename && dir !== undefined) await live(dir);

async function live(home: string): Promise<void> {
  const silo = await createSilo({
    name: "killed",
    actors: [Notebook],
    ...embedded({ dir: home }),
    onEvent: () => undefined,
  });
  let open = 0;
  process.on("message", ({ notebook, number }: WriteOrder) => {
    open += 1;
    silo.client
      .get(Notebook, notebook)
      .write(number)
      .then(
        () => say({ kind: "acknowledged", number, open }),
        (error: unknown) => say({ kind: "failed", number, error: String(error) }),
      )
      .finally(() => (open -= 1));
  });
  say({ kind: "serving" });
}

function say(message: KilledSays): void {
  process.send!(message);
}
