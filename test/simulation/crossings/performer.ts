// The actor that does what a script says, and tells the onlooker.
import {
  Actor,
  type ActorClass,
  type CallError,
  CallTimeoutError,
  DeadlockError,
  defineActor,
} from "tenure";
import type { ActorClient } from "@tenure/client";
import type { Script, Step } from "./graph.ts";
import type { Onlooker } from "./onlooker.ts";

export interface Seen {
  readonly onlooker: Onlooker;
  /** Errors of the crossed kind, and whether the onlooker agrees. */
  crossed(error: CallError, agreed: boolean): void;
}

type Performs = Actor<{ turns: number }> & {
  write(script: Script): Promise<void>;
  read(script: Script): Promise<void>;
};
export type Performer = ActorClass<Performs>;

export function makePerformer(seen: Seen): Performer {
  const performer: Performer = class extends Actor<{ turns: number }> {
    static readonly actor = defineActor<Performs>({
      type: "performer",
      state: () => ({ turns: 0 }),
      methods: { read: "read" },
      placement: "random",
    });
    async write(script: Script): Promise<void> {
      this.state.turns += 1;
      await this._perform(script);
    }
    async read(script: Script): Promise<void> {
      await this._perform(script);
    }
    async _perform(script: Script): Promise<void> {
      seen.onlooker.begins(script);
      try {
        for (const step of script.steps)
          await this._step(script, step).catch((error: unknown) => {
            if (!step.caught) throw error;
          });
      } finally {
        seen.onlooker.ends(script);
      }
    }
    async _step(script: Script, { kind, calls }: Step): Promise<void> {
      const made = calls.map((call) => perform(this.ctx, performer, call, seen, script));
      await (kind === "all" ? Promise.all(made) : Promise.race(made));
    }
  };
  return performer;
}

export async function perform(
  through: Pick<ActorClient, "get">,
  performer: Performer,
  call: Script,
  seen: Seen,
  by?: Script,
): Promise<void> {
  seen.onlooker.makes(by, call);
  let givenUp = false;
  try {
    const reference = through.get(performer, call.actor);
    await (
      call.timeoutMs === undefined ? reference : reference.$with({ timeoutMs: call.timeoutMs })
    )[call.mode](call);
  } catch (error) {
    givenUp = error instanceof CallTimeoutError;
    // The one that was refused itself: those above it fail with the same error.
    if (
      error instanceof DeadlockError &&
      error.message.startsWith(`performer/${call.actor}.${call.mode}: calls wait`)
    )
      seen.crossed(error, seen.onlooker.wasDeadlock(ringOf(error), call));
    throw error;
  } finally {
    seen.onlooker.answered(by, call, givenUp);
  }
}

function ringOf({ message }: CallError): string {
  return message.slice(message.indexOf("other: ") + "other: ".length);
}
