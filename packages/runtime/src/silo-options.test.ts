import { Actor, ConfigError, defineActor } from "@tenure/core";
import { loopback, seededRandom } from "@tenure/core/internal";
import { memoryDirectory, memoryStorage } from "@tenure/directory/internal";
import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/src/virtual-clock.ts";
import { createSilo } from "./silo.ts";
import { resolveSiloOptions, type SiloOptions } from "./silo-options.ts";

class One extends Actor {
  static readonly actor = defineActor<One>({ type: "one" });
}
class AlsoOne extends Actor {
  static readonly actor = defineActor<AlsoOne>({ type: "one" });
}

/** Ports that count how often they are opened. */
function ports() {
  const opened: string[] = [];
  const count = <T extends { open: (environment: never) => unknown }>(
    name: string,
    provider: T,
  ): T => ({
    ...provider,
    open: (environment: never) => {
      opened.push(name);
      return provider.open(environment);
    },
  });
  return {
    opened,
    transport: count("transport", loopback()),
    directory: count("directory", memoryDirectory()),
    storage: count("storage", memoryStorage()),
  };
}

test.for<[string, object, string[]]>([
  [
    "an unknown option",
    { colour: "red" },
    ["colour: is not an option; there are actors, authorize, bootstrap"],
  ],
  ["a name of Object.prototype", { constructor: 1 }, ["constructor: is not an option"]],
  ["services that are none", { services: "db" }, ['services: must be an object, not "db"']],
  [
    "states of no size",
    { maxStateBytes: 0 },
    ["maxStateBytes: must be a positive whole number, not 0"],
  ],
  ["states of a size in words", { maxStateBytes: "1MB" }, ["maxStateBytes: ", 'not "1MB"']],
  ["strictReads", { strictReads: 1 }, ["strictReads: must be true or false, not 1"]],
  ["authorize", { authorize: true }, ["authorize: must be a function, not true"]],
  [
    "a list of interceptors that does not say which way",
    { interceptors: [() => undefined] },
    ["interceptors: must be an object with lists", "not an array of 1"],
  ],
  [
    "interceptors that are no list",
    { interceptors: { incoming: () => undefined } },
    ["interceptors.incoming: must be a list of functions"],
  ],
  [
    "interceptors that are no functions",
    { interceptors: { outgoing: [{}] } },
    ["interceptors.outgoing: must be a list of functions"],
  ],
  [
    "interceptors of a third kind",
    { interceptors: { sideways: [] } },
    ["interceptors.sideways: is not a list of it; there are incoming, outgoing"],
  ],
  [
    "no actors",
    { actors: undefined },
    ["actors: must be an array of actor classes, not undefined"],
  ],
  ["an actor outside of a list", { actors: One }, ["actors: must be an array", "function One"]],
  [
    "an actor that is none",
    { actors: [class Alien {}] },
    ["actors: must be classes that extend Actor, not function Alien"],
  ],
  [
    "two classes of one type",
    { actors: [One, AlsoOne] },
    ["actors: One and AlsoOne both have the type 'one'"],
  ],
  ["a bad name", { name: "a b" }, ["name: must match", 'not "a b"']],
  ["a name that is no string", { name: 7 }, ["name: must match", "not 7"]],
  ["a bad cluster", { cluster: "9lives" }, ["cluster: must match", 'not "9lives"']],
  ["an empty role", { roles: [""] }, ["roles: must be an array of non-empty strings"]],
  [
    "roles in a word",
    { roles: "gpu" },
    ['roles: must be an array of non-empty strings, not "gpu"'],
  ],
  ["bootstrap: yes", { bootstrap: "yes" }, ['bootstrap: must be true or false, not "yes"']],
  [
    "no transport",
    { transport: undefined },
    ["transport: must be a transport, not undefined", "undefined", "...nats({ servers })"],
  ],
  [
    "a directory that is none",
    { directory: {} },
    ["directory: must be a directory, not an object"],
  ],
  ["a storage that is none", { storage: "redis" }, ['storage: must be a storage, not "redis"']],
  [
    "a lease that is no time",
    { leaseTtlMs: "fast" },
    ["leaseTtlMs: must be a positive duration", 'not "fast"'],
  ],
  [
    "a lease that is too short",
    { leaseTtlMs: 200 },
    ["leaseTtlMs: must be at least", "ms, not 200"],
  ],
  [
    "a call timeout below two leases",
    { leaseTtlMs: "4s", callTimeoutMs: "7s" },
    ["callTimeoutMs: must be at least 2 × leaseTtlMs (8000 ms)", "7000"],
  ],
  [
    "a drain timeout that is none",
    { drainTimeoutMs: Number.NaN },
    ["drainTimeoutMs: must be a positive duration", "NaN"],
  ],
  ["maxCalls of nothing", { maxCalls: 0 }, ["maxCalls: must be a positive whole number, not 0"]],
  [
    "maxCalls in words",
    { maxCalls: "many" },
    ['maxCalls: must be a positive whole number, not "many"'],
  ],
  [
    "a durability that is none",
    { durability: "high" },
    ["durability: must be 'default' or 'strict', not \"high\""],
  ],
  ["exposeStacks: 1", { exposeStacks: 1 }, ["exposeStacks: must be true or false, not 1"]],
  ["a listener that is none", { onEvent: "log" }, ['onEvent: must be a function, not "log"']],
])(
  "createSilo refuses %s, and has opened nothing (O1, O2, S1)",
  async ([_name, wrong, problems]) => {
    const { opened, ...given } = ports();
    const options = { actors: [One], ...given, ...wrong } as unknown as SiloOptions;
    const platform = { clock: new VirtualClock(), random: seededRandom(1) };
    const refused: unknown = await createSilo(options, platform).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConfigError);
    for (const problem of problems) expect(String(refused)).toContain(problem);
    expect(opened).toEqual([]);
  },
);

test("createSilo refuses what is no object", async () => {
  for (const options of [undefined, null, "x"])
    await expect(createSilo(options as unknown as SiloOptions)).rejects.toThrow(
      "createSilo: takes an object of options with at least `actors`",
    );
});

test("what is left out has its default, and a long lease a call timeout to match", () => {
  const { opened: _opened, ...given } = ports();
  expect(resolveSiloOptions({ actors: [], ...given })).toMatchObject({
    name: undefined,
    cluster: "default",
    roles: [],
    bootstrap: false,
    leaseTtlMs: 4_000,
    callTimeoutMs: 10_000,
    drainTimeoutMs: 25_000,
    maxCalls: 100_000,
    durability: "default",
    exposeStacks: false,
    onEvent: undefined,
  });
  expect(resolveSiloOptions({ actors: [], ...given, leaseTtlMs: "1m" }).callTimeoutMs).toBe(
    120_000,
  );
});
