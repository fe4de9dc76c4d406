import { expect, test } from "vitest";
import { CommitRefused } from "./commit.ts";
import { lossResult } from "./loss.ts";
import type { Turn } from "./turn-context.ts";

const turn = (left: { outgoing?: number; staged?: boolean }): Turn =>
  ({ outgoing: 0, staged: false, ...left }) as Turn;
const definitive = new CommitRefused("FENCED", "lost", true);
const tooLarge = new CommitRefused("NOT_SERIALIZABLE", "too large", true);
const open = new CommitRefused("FENCED", "lost", false);

test("a save that is too large fails its turn for good, and moves nobody who was not in it", () => {
  const reason = (refusal: CommitRefused): unknown => lossResult(refusal, turn({}));
  expect(reason(tooLarge)).toMatchObject({ status: "refused", reason: "not-serializable" });
  expect(reason(tooLarge.forOthers)).toMatchObject({ status: "refused", reason: "moved" });
  expect(lossResult(tooLarge, turn({ outgoing: 1 }))).toMatchObject({
    status: "failed",
    code: "NOT_SERIALIZABLE",
  });
});

test.each([
  ["a refused save of a turn that left nothing did not run", definitive, {}, "refused"],
  ["a call that left may have done something", definitive, { outgoing: 1 }, "failed"],
  ["what was staged before the turn's end may be there", definitive, { staged: true }, "failed"],
  ["a save that was sent twice may be there", open, {}, "failed"],
] as const)("%s", (_name, refusal, left, status) => {
  expect(lossResult(refusal, turn(left)).status).toBe(status);
});
