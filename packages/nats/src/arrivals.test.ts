import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import { Arrivals, frameShare } from "./arrivals.ts";
import { FULL_FRAME, FULL_FRAME_BYTES } from "./outbox.ts";

interface Arrived {
  readonly name: number;
  readonly messages: number;
}

/** `during` is called with each frame as it is delivered. */
function setUp(during: (frame: Arrived) => void = () => {}) {
  const clock = new VirtualClock();
  const delivered: number[] = [];
  const arrivals = new Arrivals<Arrived>(clock, (frame) => {
    delivered.push(frame.name);
    during(frame);
    return frameShare(frame.messages, 0);
  });
  /** Frames of one read, numbered from `first`; how many each turn has delivered. */
  const read = async (count: number, messages: number, first = 0): Promise<number[]> => {
    const before = delivered.length;
    for (let i = 0; i < count; i++) arrivals.take({ name: first + i, messages });
    const turns = [delivered.length - before];
    for (let last = -1; last !== delivered.length;) {
      last = delivered.length;
      await oneTurn(clock);
      turns.push(delivered.length - last);
    }
    return turns.slice(0, -1);
  };
  return { clock, arrivals, delivered, read };
}

/** Everything that was scheduled for the end of this turn, and nothing that it schedules in its turn. */
async function oneTurn(clock: VirtualClock): Promise<void> {
  await new Promise<void>((resolve) => clock.afterTurn(resolve));
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

test("a turn delivers a full frame of those that came at once, or half of those that wait, in order (AV1, AV2)", async () => {
  const { delivered, read } = setUp();
  expect(await read(6, FULL_FRAME)).toEqual([1, 3, 1, 1]);
  expect(delivered).toEqual(upTo(6));
});

test("small frames are delivered as they come, up to as many messages as a full one has (AV2)", async () => {
  const { read } = setUp();
  expect(await read(FULL_FRAME, 1)).toEqual([FULL_FRAME]);
  expect(await read(FULL_FRAME + 1, 1)).toEqual([FULL_FRAME, 1]);
});

test("of many, half of what waits is delivered in each turn, so that few turns empty it (AV3)", async () => {
  const { delivered, read } = setUp();
  const turns = await read(1_000, FULL_FRAME);
  expect(turns.slice(0, 3)).toEqual([1, 500, 250]);
  expect(turns.length).toBeLessThan(15);
  expect(delivered).toEqual(upTo(1_000));
});

test("few messages may be as much as a full frame (AV2)", () => {
  expect(frameShare(4, FULL_FRAME_BYTES)).toBe(1);
  expect(frameShare(FULL_FRAME, 100)).toBe(1);
  expect(frameShare(1, 2 * FULL_FRAME_BYTES)).toBe(2);
});

test("garbage, which has no messages, takes its turn like any frame (AV2)", async () => {
  const { read } = setUp();
  expect(await read(FULL_FRAME + 1, 0)).toEqual([FULL_FRAME, 1]);
});

test("what comes while others wait is delivered after them (AV1)", async () => {
  const { clock, arrivals, delivered } = setUp();
  for (const name of upTo(5)) arrivals.take({ name, messages: FULL_FRAME });
  await oneTurn(clock);
  expect(delivered).toEqual(upTo(3));
  arrivals.take({ name: 5, messages: 1 });
  await clock.settle();
  expect(delivered).toEqual(upTo(6));
});

test("all that waits can be had at once, also while frames are being delivered, and none comes twice (AV1)", async () => {
  const { clock, arrivals, delivered } = setUp(({ name }) => {
    if (name === 3) arrivals.deliverAll();
  });
  for (const name of upTo(9)) arrivals.take({ name, messages: FULL_FRAME });
  await clock.settle();
  expect(delivered).toEqual(upTo(9));
});
