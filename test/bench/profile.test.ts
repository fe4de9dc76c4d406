import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { sharesOf } from "./profile.ts";

test("time that is not idle is told in shares, by whose code it was and by function (PF1)", () => {
  const folder = mkdtempSync(join(tmpdir(), "tenure-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "one.cpuprofile");
  const frame = (id: number, functionName: string, url: string) => ({
    id,
    callFrame: { functionName, url },
  });
  writeFileSync(
    path,
    JSON.stringify({
      nodes: [
        frame(1, "(idle)", ""),
        frame(2, "send", "file:///x/.cache/bench/silo.js"),
        frame(3, "write", "node:net"),
        frame(4, "parse", "file:///x/node_modules/.pnpm/a@1/node_modules/@scope/a/lib/b.js"),
        frame(5, "(garbage collector)", ""),
        frame(6, "", "file:///x/.cache/bench/silo.js"),
      ],
      samples: [1, 2, 3, 4, 5, 2, 6],
      timeDeltas: [9_000, 3_000, 1_000, 2_000, 1_000, 1_000, 2_000],
    }),
  );
  const { process, busyMs, owners, functions } = sharesOf(path);
  expect({ process, busyMs }).toEqual({ process: "silo", busyMs: 10 });
  expect(owners).toEqual([
    { name: "Tenure and the caller", share: 0.6 },
    { name: "@scope/a", share: 0.2 },
    { name: "Node", share: 0.1 },
    { name: "the garbage collector", share: 0.1 },
  ]);
  expect(functions[0]).toEqual({ name: "send of Tenure and the caller", share: 0.4 });
  expect(functions).toContainEqual({ name: "(anonymous) of Tenure and the caller", share: 0.2 });
});
