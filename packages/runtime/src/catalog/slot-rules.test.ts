import { expect, test } from "vitest";
import type { ActivationState } from "../activation/activation.ts";
import { mayActivate } from "./slot-rules.ts";

test("a free slot may be taken", () => {
  expect(mayActivate(undefined)).toBe(true);
});

test.for<ActivationState>(["starting", "activating", "active", "gated", "deactivating"])(
  "no second activation beside one that is %s (R12)",
  (holder) => {
    expect(mayActivate(holder)).toBe(false);
  },
);
