import { expect, test } from "vitest";
import { nextTurn } from "../../../../test/support/deferred.ts";
import { VirtualClock } from "../../../testing/src/virtual-clock.ts";
import { CallSignal } from "./call-signal.ts";
import { exclusiveTurns, overlappingTurns, type Turn } from "./turn-context.ts";

let requests = 0;
const makeTurn = (name: string): Turn => ({
  mode: "write",
  request: ++requests,
  call: {
    method: name,
    caller: undefined,
    chain: [],
    deadline: undefined,
    idempotencyKey: undefined,
    headers: {},
    signal: new AbortController().signal,
  },
  from: undefined,
  signal: new CallSignal(new VirtualClock(), 1, { type: "t", id: "i", method: name, turn: 1 }),
  deadlineMs: 1,
  chain: [],
  outgoing: 0,
  staged: false,
  inner: undefined,
  end: () => undefined,
});

test.for(["exclusive", "overlapping"])(
  "%s: a turn is the current one over its awaits, until it ends",
  async (kind) => {
    const turns = kind === "exclusive" ? exclusiveTurns() : overlappingTurns();
    const turn = makeTurn("a");
    const seen: (Turn | undefined)[] = [turns.current()];
    await turns.run(turn, async () => {
      seen.push(turns.current());
      await nextTurn();
      seen.push(turns.current());
    });
    turns.end(turn);
    expect(seen).toEqual([undefined, turn, turn]);
    expect(turns.current()).toBeUndefined();
  },
);

test("turns that overlap are told apart (N2)", async () => {
  const turns = overlappingTurns();
  const seen: string[] = [];
  const run = (name: string) =>
    turns.run(makeTurn(name), async () => {
      await nextTurn();
      seen.push(`${name} is ${turns.current()?.call.method}`);
    });
  await Promise.all([run("a"), run("b"), run("c")]);
  expect(seen).toEqual(["a is a", "b is b", "c is c"]);
});

test("work that goes on after its turn has no turn, and another activation's turn is not one's own (N3)", async () => {
  const turns = overlappingTurns();
  const others = overlappingTurns();
  const turn = makeTurn("a");
  let after: Turn | undefined = turn;
  let elsewhere: Turn | undefined = turn;
  const left = turns.run(turn, async () => {
    elsewhere = others.current();
    await nextTurn();
    after = turns.current();
  });
  turns.end(turn);
  await left;
  expect(after).toBeUndefined();
  expect(elsewhere).toBeUndefined();
});

test("the end of an earlier turn does not end the one that runs now (N1)", () => {
  const turns = exclusiveTurns();
  const [first, second] = [makeTurn("first"), makeTurn("second")];
  turns.run(first, () => undefined);
  turns.run(second, () => undefined);
  turns.end(first);
  expect(turns.current()).toBe(second);
});

test("turns are found by their requests while they run, one or several of them, and a strange one takes none with it", () => {
  const turns = overlappingTurns();
  const [one, two, three] = [makeTurn("a"), makeTurn("b"), makeTurn("c")];
  const begin = (turn: Turn): void => turns.run(turn, () => undefined);
  expect(turns.none).toBe(true);
  begin(one);
  turns.end(two);
  expect([...turns.all()]).toEqual([one]);
  expect([turns.get(one.request), turns.get(two.request)]).toEqual([one, undefined]);
  begin(two);
  begin(three);
  expect([...turns.all()]).toEqual([one, two, three]);
  turns.end(one);
  turns.end({ ...two });
  expect([one, two, three].map(({ request }) => turns.get(request))).toEqual([
    undefined,
    two,
    three,
  ]);
  turns.end(two);
  turns.end(three);
  expect(turns.none).toBe(true);
  expect([...turns.all()]).toEqual([]);
});
