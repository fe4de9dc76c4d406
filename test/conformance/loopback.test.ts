import { EVERYONE, loopback, systemClock, systemRandom } from "@tenure/core/internal";
import { transportConformance } from "@tenure/testing/internal";
import { expect, test } from "vitest";

transportConformance({
  name: "loopback",
  open: () => Promise.resolve({ provider: loopback(), dispose: () => Promise.resolve() }),
  skip: [
    { rule: "RAW", reason: "endpoints of one process exchange objects, not bytes" },
    { rule: "CUT", reason: "there is no connection" },
  ],
});

test("what a receiver that leaves has not taken yet is reported to its sender (T3)", async () => {
  const clock = systemClock();
  const transport = await loopback().open({
    cluster: "c",
    clock,
    random: systemRandom(),
    emit: () => {},
    leaseTtlMs: 4_000,
    openTimeoutMs: 5_000,
    durability: "default",
  });
  const reports: unknown[] = [];
  const receiver = { message: () => {}, disconnected: () => {}, reconnected: () => {} };
  const a = await transport.join("a", {
    ...receiver,
    undeliverable: (to, tag) => reports.push({ to, tag }),
  });
  const b = await transport.join("b", { ...receiver, undeliverable: () => {} });
  const tag = a.send("b", { kind: "probe", round: 1 });
  a.send(EVERYONE, { kind: "probe", round: 2 });
  b.drop();
  await new Promise<void>((resolve) => clock.afterTurn(resolve));
  expect(reports).toEqual([{ to: "b", tag }]);
});
