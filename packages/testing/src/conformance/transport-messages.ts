// What arrives is what was sent: order, copies, values, sizes, senders.
import {
  type Body,
  bodyValue,
  EVERYONE,
  InvalidArgumentError,
  type Message,
  NotSerializableError,
} from "@tenure/core/internal";
import { expect } from "vitest";
import { call, type Party, probe, type TransportRule } from "./transport-bench.ts";

export function messageTests(rule: TransportRule): void {
  rule("T1", "10,000 messages over many turns arrive once each and in order", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    for (let round = 0; round < 10_000;) {
      const burst = 1 + Math.floor(bench.random.next() * 200);
      for (let i = 0; i < burst && round < 10_000; i++) a.send(b, probe(round++));
      await bench.turn();
    }
    await a.fence(b);
    expect(b.rounds).toEqual(numbers(10_000));
  });

  rule("T1", "3,000 messages of one turn arrive once each and in order", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    for (const round of numbers(3_000)) a.send(b, probe(round));
    await a.fence(b);
    expect(b.rounds).toEqual(numbers(3_000));
  });

  rule("T1", "messages to an endpoint and to everyone keep their order", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    for (const round of numbers(60)) a.send(round % 4 === 1 ? EVERYONE : b.address, probe(round));
    await a.fence(b);
    expect(b.rounds).toEqual(numbers(60));
  });

  rule("T1", "every kind of message arrives as it was sent", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    const silo = b.address;
    const messages: readonly Message[] = [
      { kind: "locate", request: 7, type: "Cart", id: "ключ\n😀", avoid: silo },
      { kind: "locate", request: 8, type: "Cart", id: "x", avoid: undefined },
      { kind: "located", request: 7, result: { status: "at", silo, generation: 3 } },
      {
        kind: "located",
        request: 9,
        result: {
          status: "refused",
          reason: "no-silo",
          message: "none",
          owner: undefined,
          generation: 0,
        },
      },
      {
        kind: "reply",
        request: 2 ** 48 - 1,
        result: {
          status: "refused",
          reason: "moved",
          message: "",
          owner: silo,
          generation: 2 ** 40,
        },
      },
      { kind: "reply", request: 1, result: { status: "failed", code: "X", message: "why" } },
      { kind: "death", incarnation: silo },
      { kind: "suspect", incarnation: silo },
      { kind: "admin", request: 3, operation: "hand-over", type: "Cart", id: "x", to: silo },
      { kind: "administered", request: 3, result: { status: "done", generation: 4 } },
      probe(0),
    ];
    for (const message of messages) a.send(b, message);
    await a.fence(b);
    expect(b.received.slice(0, messages.length).map(({ message }) => message)).toEqual(messages);
  });

  rule("T1", "a call arrives with its key, chain and budget", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    const chain = [{ type: "Order", id: "1", method: "pay", turn: 5 }];
    const args = a.endpoint.snapshot([], "args");
    const sent = call(3, { args, key: "k-1", chain, repeatable: true, budgetMs: 250 });
    a.send(b, sent);
    await a.fence(b);
    expect({ ...b.received[0]?.message, args }).toEqual(sent);
  });

  rule("T2", "what the sender changes after a snapshot does not travel", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    const value = { list: [1, 2], at: new Map([["k", { n: 1 }]]), bytes: new Uint8Array([1, 2]) };
    const args = a.endpoint.snapshot(value, "args");
    value.list.push(3);
    value.bytes[0] = 9;
    a.send(b, call(1, { args }));
    value.at.get("k")!.n = 2;
    await a.fence(b);
    expect(argsOf(b)).toEqual([
      { list: [1, 2], at: new Map([["k", { n: 1 }]]), bytes: new Uint8Array([1, 2]) },
    ]);
  });

  rule("T2", "what a receiver changes reaches neither the sender nor a retry", async (bench) => {
    const [a, b, c] = [await bench.join(), await bench.join(), await bench.join()];
    const value = { list: [1, 2] };
    const args = a.endpoint.snapshot(value, "args");
    a.send(b, call(1, { args, repeatable: true }));
    await a.fence(b);
    (argsOf(b)[0] as typeof value).list.push(3);
    a.send(c, call(2, { args, repeatable: true }));
    await a.fence(c);
    expect(argsOf(c)).toEqual([{ list: [1, 2] }]);
    expect(value).toEqual({ list: [1, 2] });
  });

  rule("T2 T6", "receivers of one message share nothing", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    a.send(EVERYONE, call(1, { args: a.endpoint.snapshot({ list: [1] }, "args") }));
    await Promise.all([a.fence(a), a.fence(b)]);
    (argsOf(a)[0] as { list: number[] }).list.push(2);
    expect(argsOf(b)).toEqual([{ list: [1] }]);
  });

  rule("T2", "a result arrives as the callee's snapshot was", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    const value = { total: 3 };
    const body = a.endpoint.snapshot(value, "result");
    value.total = 4;
    a.send(b, { kind: "reply", request: 1, result: { status: "ok", body } });
    await a.fence(b);
    expect(resultsOf(b)).toEqual([{ total: 3 }]);
  });

  rule("T2", "unusual values keep their meaning", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    for (const value of UNUSUAL) a.send(b, call(1, { args: a.endpoint.snapshot(value, "args") }));
    await a.fence(b);
    expect(argsOf(b)).toEqual(UNUSUAL);
  });

  rule("T2", "shared references and cycles inside one value survive", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    const shared = { n: 1 };
    const value: { self?: unknown; left: object; right: object } = { left: shared, right: shared };
    value.self = value;
    a.send(b, call(1, { args: a.endpoint.snapshot(value, "args") }));
    await a.fence(b);
    const [arrived] = argsOf(b) as (typeof value)[];
    expect(arrived!.self).toBe(arrived);
    expect(arrived!.left).toBe(arrived!.right);
  });

  rule("T2", "what cannot travel is refused at once, with its path", async (bench) => {
    const { endpoint } = await bench.join();
    const refused: readonly (readonly [value: unknown, path: string])[] = [
      [{ a: [1, { f: () => 1 }] }, "args.a[1].f"],
      [[Symbol("s")], "args[0]"],
      [{ "odd key": new WeakMap() }, 'args["odd key"]'],
      ["\ud800", "args"],
    ];
    for (const [value, path] of refused) {
      const error = thrownBy(() => endpoint.snapshot(value, "args"));
      expect(error).toBeInstanceOf(NotSerializableError);
      expect(error).toMatchObject({ outcome: "not-executed", details: { path } });
    }
  });

  rule("T2 LIMIT", "a value too large for a message is refused, with its size", async (bench) => {
    const { endpoint } = await bench.join();
    const error = thrownBy(() => endpoint.snapshot([new Uint8Array(64 * 2 ** 20)], "args"));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    const { outcome, details, message } = error as InvalidArgumentError;
    expect(outcome).toBe("not-executed");
    expect(details["size"]).toBeGreaterThan(64 * 2 ** 20);
    expect(message).toContain(String(details["size"]));
    expect(message).toContain(String(details["limit"]));
  });

  rule("T1 LIMIT", "the largest values arrive, also several of one turn", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    const error = thrownBy(() => a.endpoint.snapshot(new Uint8Array(64 * 2 ** 20), "args"));
    const limit = Number((error as InvalidArgumentError).details["limit"]);
    const largest = fittingBytes(limit, (value) => a.endpoint.snapshot(value, "args"));
    const id = "i".repeat(512);
    for (const request of numbers(3)) {
      a.send(b, call(request, { args: largest, id, key: "k".repeat(512) }));
      a.send(b, probe(request));
    }
    await a.fence(b);
    expect(b.rounds).toEqual(numbers(3));
    expect(argsOf(b).map((value) => (value as Uint8Array).length > limit - 100)).toEqual([
      true,
      true,
      true,
    ]);
    expect(a.undelivered).toEqual([]);
  });

  rule(
    "T7",
    "a message says who sent it, also for endpoints that share a connection",
    async (bench) => {
      const shared = await bench.open();
      const [a, b, c] = [await bench.join(shared), await bench.join(shared), await bench.join()];
      a.send(c, probe(1));
      b.send(c, probe(2));
      await Promise.all([a.fence(c), b.fence(c)]);
      const sender = (round: number): string | undefined =>
        c.received.find(({ message }) => message.kind === "probe" && message.round === round)?.from;
      expect([sender(1), sender(2)]).toEqual([a.address, b.address]);
    },
  );

  rule("T7", "an answer to the sender reaches it and nobody else", async (bench) => {
    const [a, b, c] = [await bench.join(), await bench.join(), await bench.join()];
    a.send(b, probe(1));
    await b.until(() => b.received.length > 0);
    b.send(b.received[0]!.from, probe(2));
    await Promise.all([b.fence(a), b.fence(c)]);
    expect(a.rounds).toEqual([2]);
    expect(c.rounds).toEqual([]);
  });
}

const UNUSUAL: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -Infinity,
  2 ** 53,
  5e-324,
  2n ** 200n,
  -1n,
  "",
  "\u0000 😀 ﬃ",
  [undefined, null, [[]]],
  { "": 1, constructor: 2, toString: "x", deep: { deeper: { deepest: [] } } },
  new Date(0),
  new Map<unknown, unknown>([
    [1, "one"],
    [{ k: 1 }, new Set([1, "1"])],
  ]),
  new Set([new Map()]),
  /a+\/b/giu,
  new URL("https://example.com/a?b=%20#c"),
  new Uint8Array([0, 255]),
  new Float64Array([Math.PI]),
  new BigInt64Array([-5n]),
  new Uint8Array([1, 2, 3, 4]).buffer,
  new RangeError("why", { cause: new TypeError("because") }),
];

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function argsOf(party: Party): readonly unknown[] {
  return party.received.flatMap(({ message }) =>
    message.kind === "call" ? [bodyValueOnce(message.args)] : [],
  );
}

function resultsOf(party: Party): readonly unknown[] {
  return party.received.flatMap(({ message }) =>
    message.kind === "reply" && message.result.status === "ok"
      ? [bodyValueOnce(message.result.body)]
      : [],
  );
}

// A receiver takes the value out of a body once; so do the tests, to see what it may change.
const taken = new WeakMap<Body, { readonly value: unknown }>();

function bodyValueOnce(body: Body): unknown {
  let entry = taken.get(body);
  if (!entry) taken.set(body, (entry = { value: bodyValue(body) }));
  return entry.value;
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** The snapshot of the longest array of bytes that is accepted, at most a few bytes of encoding below `limit`. */
function fittingBytes(limit: number, snapshot: (value: Uint8Array) => Body): Body {
  for (let length = limit; ; length--) {
    try {
      return snapshot(new Uint8Array(length));
    } catch (error) {
      if (!(error instanceof InvalidArgumentError) || length < limit - 100) throw error;
    }
  }
}
