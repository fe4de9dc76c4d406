import { Actor, defineActor } from "@tenure/core";
import { actorKind, type CallResult, valueBody } from "@tenure/core/internal";
import type { AskedHere } from "@tenure/client/internal";
import { expect, test } from "vitest";
import { deferred } from "../../../../test/support/deferred.ts";
import { VirtualClock } from "../../../testing/src/virtual-clock.ts";
import { Dispatcher, type DispatchHost } from "./dispatcher.ts";

class Thing extends Actor {
  static readonly actor = defineActor<Thing>({ type: "thing" });
  go() {}
}

const CALL: AskedHere = {
  actor: { type: "thing", id: "t" },
  actorKey: "thing/t",
  method: "go",
  args: valueBody([]),
  deadlineMs: Infinity,
  key: undefined,
  chain: [],
  repeatable: false,
  strict: false,
  headers: undefined,
};

test.for<["paused" | "draining"]>([["paused"], ["draining"]])(
  "a call that is authorized when the silo is %s by then is refused, and nothing is activated for it (X4)",
  async ([by]) => {
    let closed: typeof by | undefined;
    const delivered: unknown[] = [];
    const host: Partial<DispatchHost> = {
      kinds: new Map([["thing", actorKind(Thing)]]),
      clock: new VirtualClock(),
      maxCalls: 10,
      emit: () => undefined,
      paused: () => closed === "paused",
      draining: () => closed === "draining",
      holds: () => false,
      deliver: (call) => delivered.push(call),
    };
    const answer = deferred<boolean>();
    const dispatcher = new Dispatcher({ ...host, authorize: () => answer.promise } as DispatchHost);
    const reply = new Promise<CallResult>((resolve) =>
      dispatcher.deliver(CALL, 1, "me", 0, {
        replied: (_call, _request, result) => resolve(result),
      }),
    );
    expect(dispatcher.openCalls).toBe(1);
    closed = by;
    answer.resolve(true);
    expect(await reply).toMatchObject({ status: "refused", reason: by });
    expect(delivered).toEqual([]);
    expect(dispatcher.openCalls).toBe(0);
  },
);
