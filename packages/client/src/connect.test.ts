import { ConfigError, loopback, seededRandom, type TransportProvider } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import { connect, type ConnectOptions } from "./connect.ts";

const platform = () => ({ clock: new VirtualClock(), random: seededRandom(1) });

test.for<[string, object | undefined, string]>([
  ["no options", undefined, "connect: takes an object of options"],
  ["no transport", {}, "transport: is missing"],
  ["a transport that is none", { transport: "nats" }, "transport: is missing"],
  [
    "an unknown option",
    { colour: 1 },
    "colour: is not an option; there are callTimeoutMs, cluster",
  ],
  ["a bad cluster", { cluster: "a b" }, "cluster: must match"],
  ["a bad timeout", { callTimeoutMs: "soon" }, "callTimeoutMs: must be a positive duration"],
  ["a listener that is none", { onEvent: "log" }, 'onEvent: must be a function, not "log"'],
])("connect refuses %s before it opens anything", async ([_name, options, problem]) => {
  let opened = 0;
  const inner = loopback();
  const transport: TransportProvider = {
    name: "counting",
    open: (environment) => {
      opened += 1;
      return inner.open(environment);
    },
  };
  const given = options && {
    ...(problem.startsWith("transport") ? {} : { transport }),
    ...options,
  };
  const refused: unknown = await connect(given as unknown as ConnectOptions, platform()).catch(
    (e: unknown) => e,
  );
  expect(refused).toBeInstanceOf(ConfigError);
  expect(String(refused)).toContain(problem);
  expect(opened).toBe(0);
});

test("a transport that cannot be joined is closed", async () => {
  let closed = 0;
  const transport: TransportProvider = {
    name: "broken",
    open: () =>
      Promise.resolve({
        join: () => Promise.reject(new Error("no subscription")),
        close: () => {
          closed += 1;
          return Promise.resolve();
        },
      }),
  };
  await expect(connect({ transport }, platform())).rejects.toThrow("no subscription");
  expect(closed).toBe(1);
});
