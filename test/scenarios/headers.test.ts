// Headers: from caller to callee, down the whole chain, and never back.
import { Actor, type CallHeaders, connect, defineActor } from "tenure";
import { type CallMessage, loopback, valueBody } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { internalsOf } from "../../packages/testing/src/crash.ts";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import { rejection } from "../support/deferred.ts";

type Seen = Record<string, Record<string, string>>;

class Relay extends Actor {
  static readonly actor = defineActor<Relay>({ type: "relay", methods: { peek: "read" } });

  /** What each actor of the path was called with; this one first. `over` is given to the next call. */
  async pass(path: readonly string[], over?: Record<string, string>): Promise<Seen> {
    const seen: Seen = { [this.ctx.id]: { ...this.ctx.call.headers } };
    const [next, ...rest] = path;
    if (next === undefined) return seen;
    const relay = this.ctx.get(Relay, next);
    const inner = await (over ? relay.$with({ headers: over }) : relay).pass(rest);
    if (JSON.stringify(this.ctx.call.headers) !== JSON.stringify(seen[this.ctx.id]))
      throw new Error("what was called from here has changed the headers here");
    return { ...seen, ...inner };
  }
  own(): CallHeaders {
    return this.ctx.call.headers;
  }
  peek(): readonly unknown[] {
    const { headers } = this.ctx.call;
    return [Object.isFrozen(headers), Object.getPrototypeOf(headers), Object.entries(headers)];
  }
  change(): void {
    (this.ctx.call.headers as Record<string, string>)["tenant"] = "b";
  }
}

class Hooked extends Actor<{ seen: string[] }> {
  static readonly actor = defineActor<Hooked>({ type: "hooked", state: () => ({ seen: [] }) });
  override onActivate() {
    this.state.seen.push(`onActivate ${JSON.stringify(this.ctx.call.headers)}`);
  }
  seen() {
    return this.state.seen;
  }
}

const actors = [Relay, Hooked];

test("headers reach the callee, and every call that follows from it, over silos", async () => {
  await using t = await testSilos({ actors, silos: 3 });
  const headers = { tenant: "a", trace: "1" };
  const relay = t.silos[0]!.client.get(Relay, "1").$with({ headers });
  const path = ["2", "3", "4", "5"];
  const seen = await relay.pass(path);
  expect(seen).toEqual({ 1: headers, 2: headers, 3: headers, 4: headers, 5: headers });
});

test("a call in a turn adds to the turn's headers, or replaces them, for itself and what follows from it", async () => {
  await using t = await testSilos({ actors, silos: 2 });
  const relay = t.silos[0]!.client.get(Relay, "1").$with({ headers: { tenant: "a", trace: "1" } });
  const changed = { tenant: "a", trace: "2", user: "u" };
  expect(await relay.pass(["2", "3"], { trace: "2", user: "u" })).toEqual({
    1: { tenant: "a", trace: "1" },
    2: changed,
    3: changed,
  });
});

test("headers never come back: neither a reply nor the next call of the same caller has them", async () => {
  await using t = await testSilos({ actors, silos: 2 });
  const relay = t.silos[0]!.client.get(Relay, "1");
  await relay.$with({ headers: { tenant: "a" } }).pass(["2"], { inner: "x" });
  for (const id of ["1", "2"]) expect(await t.silos[0]!.client.get(Relay, id).own()).toEqual({});
});

test("a hook has no headers: no caller's call is what it serves", async () => {
  await using t = await testSilos({ actors });
  const hooked = t.silos[0]!.client.get(Hooked, "h").$with({ headers: { tenant: "a" } });
  expect(await hooked.seen()).toEqual(["onActivate {}"]);
});

test("a callee cannot change its headers", async () => {
  await using t = await testSilos({ actors });
  const relay = t.silos[0]!.client.get(Relay, "1").$with({ headers: { tenant: "a" } });
  expect(await rejection(relay.change())).toBeInstanceOf(TypeError);
  expect(await relay.own()).toEqual({ tenant: "a" });
});

test("names that mean something elsewhere are data, here and on another silo", async () => {
  await using t = await testSilos({ actors, silos: 2 });
  const hostile = JSON.parse('{"__proto__":"p","constructor":"c","then":"t"}') as Record<
    string,
    string
  >;
  for (const silo of t.silos)
    expect(await silo.client.get(Relay, "1").$with({ headers: hostile }).peek()).toEqual([
      true,
      null,
      Object.entries(hostile),
    ]);
});

test("options of a reference add up, by name, and are copied when they are given", async () => {
  await using t = await testSilos({ actors });
  const given = { tenant: "a", trace: "1" };
  const first = t.silos[0]!.client.get(Relay, "1").$with({ headers: given });
  const second = first.$with({ headers: { trace: "2" }, timeoutMs: "1s" });
  given.tenant = "changed";
  expect(await first.own()).toEqual({ tenant: "a", trace: "1" });
  expect(await second.own()).toEqual({ tenant: "a", trace: "2" });
  expect(await second.$with({ headers: undefined }).own()).toEqual({ tenant: "a", trace: "2" });
});

test("what a turn has and what a call adds are bounded together: one name too many is refused, and nothing is sent", async () => {
  await using t = await testSilos({ actors, silos: 2 });
  const headers = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`n${i}`, "v"]));
  const relay = t.silos[0]!.client.get(Relay, "1").$with({ headers });
  expect(await relay.pass(["2"])).toEqual({ 1: headers, 2: headers });
  const refused = await rejection(relay.pass(["never"], { one: "more" }));
  expect(refused).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(String(refused)).toContain("at most 64, not 65");
  expect(t.events.filter((event) => "actor" in event && event.actor.id === "never")).toEqual([]);
});

test.for<[string, Record<string, unknown>]>([
  ["a value that is no string", { tenant: 7 }],
  ["too many", Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`n${i}`, "v"]))],
  ["too long", { tenant: "x".repeat(8_192) }],
])(
  "a message with headers that are %s is refused at the border, typed",
  async ([_name, headers]) => {
    const transport = loopback();
    await using t = await testSilos({ actors, transport });
    const opened = await transport.open({
      cluster: "default",
      clock: t.clock,
      random: { next: () => 0.5, id48: () => 1, hex128: () => "e".repeat(32) },
      emit: () => undefined,
      leaseTtlMs: 4_000,
      openTimeoutMs: 1_000,
      durability: "default",
    });
    const replied = new Promise((resolve) => {
      void opened
        .join("e".repeat(32), {
          message: (_from, message) => {
            if (message.kind === "reply") resolve(message.result);
          },
          undeliverable: () => undefined,
          disconnected: () => undefined,
          reconnected: () => undefined,
        })
        .then((endpoint) => {
          const message: CallMessage = {
            kind: "call",
            request: 1,
            type: "relay",
            id: "1",
            method: "own",
            args: valueBody([]),
            budgetMs: 1_000,
            key: undefined,
            chain: [],
            repeatable: false,
            strict: false,
            headers: headers as Record<string, string>,
          };
          endpoint.send(internalsOf(t.silos[0]!).incarnation!, message);
        });
    });
    expect(await replied).toMatchObject({ status: "refused", reason: "invalid" });
    expect(t.events.some((event) => event.type === "activation.claimed")).toBe(false);
  },
);

test("a client's headers reach the actors of a cluster", async () => {
  const transport = loopback();
  await using _ = await testSilos({ actors, silos: 2, transport });
  const client = await connect({ transport });
  const headers = { tenant: "a" };
  expect(await client.get(Relay, "1").$with({ headers }).pass(["2"])).toEqual({
    1: headers,
    2: headers,
  });
  await client.close();
});
