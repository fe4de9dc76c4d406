// SIGTERM of a process with a silo: running turns finish, then the process ends as by SIGTERM.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

async function started(how: string) {
  const child = fork(fileURLToPath(new URL("sigterm-silo.ts", import.meta.url)), [how], {
    execArgv: ["--import", "tsx"],
  });
  const said: unknown[] = [];
  child.on("message", (message) => said.push(message));
  await once(child, "message");
  child.kill("SIGTERM");
  return { child, said };
}

test("at SIGTERM a running turn ends and its caller is answered; then the process is gone, by SIGTERM", async () => {
  const { child, said } = await started("plain");
  child.send("go on");
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  expect(said).toEqual(["begun", "answered 1"]);
  expect([code, signal]).toEqual([null, "SIGTERM"]);
});

test("a program with a listener of its own drains, and ends when it likes", async () => {
  const { child, said } = await started("listens");
  if (!said.includes("mine")) await once(child, "message");
  expect(said).toEqual(["begun", "mine"]);
  child.send("go on");
  await once(child, "message");
  expect(said).toEqual(["begun", "mine", "answered 1"]);
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  child.disconnect();
  expect(((await once(child, "exit")) as [number])[0]).toBe(0);
});

test("a process whose silos have stopped ends at SIGTERM as any other", async () => {
  const { child } = await started("stopped");
  expect(((await once(child, "exit")) as unknown[])[1]).toBe("SIGTERM");
});
