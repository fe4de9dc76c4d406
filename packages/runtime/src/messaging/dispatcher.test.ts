import { Actor, defineActor } from "@tenure/core";
import { actorKind, type CallMessage, type CallResult, valueBody } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { deferred } from "../../../../test/support/deferred.ts";
import { VirtualClock } from "../../../testing/src/virtual-clock.ts";
import { Dispatcher, type DispatchHost } from "./dispatcher.ts";

class Thing extends Actor {
  static readonly actor = defineActor<Thing>({ type: "thing" });
  go() {}
}

const CALL: CallMessage = {
  kind: "call",
  request: 1,
  type: "thing",
  id: "t",
  method: "go",
  args: valueBody([]),
  budgetMs: 1_000,
  key: undefined,
  chain: [],
  repeatable: false,
  strict: false,
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
      dispatcher.deliver(CALL, "me", resolve, { actorKey: "thing/t", deadlineMs: Infinity }),
    );
    expect(dispatcher.openCalls).toBe(1);
    closed = by;
    answer.resolve(true);
    expect(await reply).toMatchObject({ status: "refused", reason: by });
    expect(delivered).toEqual([]);
    expect(dispatcher.openCalls).toBe(0);
  },
);
