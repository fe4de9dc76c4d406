import {
  ConfigError,
  EVERYONE,
  loopback,
  type PortEnvironment,
  seededRandom,
  type TenureEvent,
  type TransportProvider,
  valueBody,
} from "@tenure/core/internal";
import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import {
  type Client,
  CLIENT_INTERNALS,
  type ClientInternals,
  connect,
  type ConnectOptions,
} from "./connect.ts";

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

test("a client's counters are there for tools, and not for applications", async () => {
  const events: TenureEvent[] = [];
  const [transport, { clock, random }] = [loopback(), platform()];
  const options = { transport, onEvent: (event: TenureEvent) => events.push(event) };
  const client = await connect(options, { clock, random });
  const environment: PortEnvironment = {
    cluster: "default",
    clock,
    random,
    emit: () => undefined,
    leaseTtlMs: 4_000,
    openTimeoutMs: 8_000,
    durability: "default",
  };
  const other = await (
    await transport.open(environment)
  ).join("other", {
    message: () => undefined,
    undeliverable: () => undefined,
    disconnected: () => undefined,
    reconnected: () => undefined,
  });
  other.send(EVERYONE, {
    kind: "reply",
    request: 1,
    result: { status: "ok", body: valueBody(1) },
  });
  await clock.settle();
  const { [CLIENT_INTERNALS]: internals } = client as Client & {
    readonly [CLIENT_INTERNALS]: ClientInternals;
  };
  expect(internals.calls).toEqual({ openCalls: 0, unknownReplies: 1, heldBackRetries: 0 });
  expect(events).toMatchObject([{ type: "replies.unknown", total: 1, silo: "" }]);
  await client.close();
});
