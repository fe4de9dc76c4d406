import { expect, test } from "vitest";
import { CommitRefused } from "./commit-pipeline.ts";
import { lossResult } from "./loss.ts";
import type { Turn } from "./turn-context.ts";

const turn = (left: { outgoing?: number; staged?: boolean }): Turn =>
  ({ outgoing: 0, staged: false, ...left }) as Turn;
const definitive = new CommitRefused("FENCED", "lost", true);
const open = new CommitRefused("FENCED", "lost", false);

test.each([
  ["a refused save of a turn that left nothing did not run", definitive, {}, "refused"],
  ["a call that left may have done something", definitive, { outgoing: 1 }, "failed"],
  ["what was staged before the turn's end may be there", definitive, { staged: true }, "failed"],
  ["a save that was sent twice may be there", open, {}, "failed"],
] as const)("%s", (_name, refusal, left, status) => {
  expect(lossResult(refusal, turn(left)).status).toBe(status);
});
