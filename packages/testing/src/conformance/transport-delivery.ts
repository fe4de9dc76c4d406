// Who gets a message, who hears that nobody did, and what closing ends.
import { ANY_SILO, EVERYONE } from "@tenure/core/internal";
import { expect } from "vitest";
import { answer, call, type Party, probe, type TransportRule } from "./transport-bench.ts";

const NOBODY = "0".repeat(32);
const NOBODY_ELSE = "1".repeat(32);

export function deliveryTests(rule: TransportRule): void {
  rule("T3", "messages to an absent endpoint are reported by their tags", async (bench) => {
    const a = await bench.join();
    const sent = [NOBODY, NOBODY, NOBODY_ELSE].map((to) => ({ to, tag: a.send(to, call(1)) }));
    const tags = new Set(sent.map(({ tag }) => tag));
    expect(a.undelivered).toEqual([]); // send never reports from within
    await a.until(() => new Set(a.undelivered.map(({ tag }) => tag)).size === tags.size);
    for (const one of sent) expect(a.undelivered).toContainEqual(one);
    expect(tags.has(undefined)).toBe(false);
  });

  rule("T3", "of two endpoints only the one that sent hears of it", async (bench) => {
    const shared = await bench.open();
    const [a, b] = [await bench.join(shared), await bench.join(shared)];
    const tag = a.send(NOBODY, call(1));
    await a.fenceReports();
    await b.fenceReports();
    expect(a.undelivered).toContainEqual({ to: NOBODY, tag });
    expect(b.undelivered.filter(({ to }) => to === NOBODY)).toEqual([]);
  });

  rule("T3", "nothing is reported about messages that arrive", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    b.endpoint.setServing(true);
    await b.fence(b);
    const sent = [b.address, ANY_SILO, EVERYONE, a.address].map((to) => a.send(to, call(1)));
    await a.fence(b);
    await a.fenceReports();
    const reported = new Set(a.undelivered.map(({ tag }) => tag));
    expect(sent.filter((tag) => tag === undefined || reported.has(tag))).toEqual([]);
    expect(b.received.filter(({ message }) => message.kind === "call")).toHaveLength(3);
  });

  rule("T3 T6", "a message to any silo is reported while none serves", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    const tag = a.send(ANY_SILO, call(1));
    await a.until(() => a.undelivered.length > 0);
    expect(a.undelivered).toEqual([{ to: ANY_SILO, tag }]);
    expect(b.received).toEqual([]);
  });

  for (const way of ["close", "drop"] as const)
    rule("T3 T5", `messages to an endpoint after its ${way}() are reported`, async (bench) => {
      const shared = await bench.open();
      const [a, b] = [await bench.join(), await bench.join(shared)];
      await b.endpoint[way]();
      // Whoever joins after it knows that the transport has taken notice.
      await bench.join(shared);
      const tag = a.send(b, call(1));
      await a.until(() => a.undelivered.length > 0);
      expect(a.undelivered).toEqual([{ to: b.address, tag }]);
      expect(b.received).toEqual([]);
    });

  rule("T5", "close() lets out what was sent before it, and nothing after", async (bench) => {
    const shared = await bench.open();
    const [a, b, c] = [await bench.join(shared), await bench.join(), await bench.join(shared)];
    a.send(b, probe(1));
    const closing = a.endpoint.close();
    expect(a.send(b, probe(2))).toBeUndefined();
    await closing;
    expect(a.send(b, probe(3))).toBeUndefined();
    await c.fence(b);
    expect(b.rounds).toEqual([1]);
  });

  rule(
    "T3 T5",
    "calls to an endpoint that closes are answered or reported, each",
    async (bench) => {
      const [a, b] = [await bench.join(), await bench.join()];
      b.onMessage = ({ from, message }) => {
        if (message.kind === "call") b.send(from, answer(message.request));
      };
      const sent = new Map<number, number | undefined>();
      const send = async (): Promise<void> => {
        const request = sent.size + 1;
        sent.set(request, a.send(b, call(request)));
        await bench.turn();
      };
      // Until some are answered: then calls are everywhere on the way, at each turn.
      while (a.received.length < 20) await send();
      let closed = false;
      const closing = b.endpoint.close().then(() => (closed = true));
      while (!closed) await send();
      for (let i = 0; i < 20; i++) await send();
      await closing;
      await a.fenceReports();
      const answered = new Set(
        a.received.map(({ message }) => (message.kind === "reply" ? message.request : undefined)),
      );
      const reported = new Set<number | undefined>(a.undelivered.map(({ tag }) => tag));
      const silent = [...sent].filter(
        ([request, tag]) => !answered.has(request) && !reported.has(tag),
      );
      expect(silent).toEqual([]);
      const both = [...sent].filter(([request, tag]) => answered.has(request) && reported.has(tag));
      expect(both).toEqual([]);
      expect(answered.size).toBeGreaterThanOrEqual(20);
      expect(reported.size).toBeGreaterThanOrEqual(20);
    },
  );

  rule("T5", "closing the transport lets out what its endpoints have sent", async (bench) => {
    const shared = await bench.open();
    const [a, b] = [await bench.join(shared), await bench.join()];
    a.send(b, probe(1));
    await shared.close();
    await b.until(() => b.received.length > 0);
    expect(b.rounds).toEqual([1]);
    expect(a.send(b, probe(2))).toBeUndefined();
  });

  rule("T5", "drop() lets nothing out, not even what was just sent", async (bench) => {
    const shared = await bench.open();
    const [a, b, c] = [await bench.join(shared), await bench.join(), await bench.join(shared)];
    a.send(b, probe(1));
    a.endpoint.drop();
    expect(a.send(b, probe(2))).toBeUndefined();
    await bench.turn();
    await c.fence(b);
    expect(b.rounds).toEqual([]);
    expect(a.undelivered).toEqual([]);
  });

  for (const way of ["close", "drop"] as const)
    rule("T5", `nothing arrives after ${way}(), neither messages nor reports`, async (bench) => {
      const [a, b] = [await bench.join(), await bench.join()];
      b.endpoint.setServing(true);
      await b.fence(b);
      b.send(NOBODY, call(1));
      await b.endpoint[way]();
      const [before, reports] = [b.received.length, b.undelivered.length];
      for (const to of [b.address, EVERYONE, ANY_SILO]) a.send(to, call(1));
      await a.fence(a);
      await a.fenceReports();
      expect([b.received.length, b.undelivered.length]).toEqual([before, reports]);
    });

  rule("T5", "an endpoint that drops itself at a message gets no further one", async (bench) => {
    const [a, b] = [await bench.join(), await bench.join()];
    b.onMessage = () => b.endpoint.drop();
    for (let round = 1; round <= 10; round++) a.send(b, probe(round));
    await a.fence(a);
    await a.fenceReports();
    await b.until(() => b.received.length > 0);
    expect(b.rounds).toEqual([1]);
  });

  rule("T5", "a transport whose endpoints were dropped or closed closes", async (bench) => {
    const shared = await bench.open();
    const [a, b] = [await bench.join(shared), await bench.join(shared)];
    a.endpoint.drop();
    await Promise.all([b.endpoint.close(), b.endpoint.close()]);
    a.endpoint.drop();
    await shared.close();
    await shared.close();
    expect([a.changes, b.changes]).toEqual([[], []]);
  });

  rule("T6", "a message to any silo reaches exactly one that serves", async (bench) => {
    const [a, b, c, d] = [
      await bench.join(),
      await bench.join(),
      await bench.join(),
      await bench.join(),
    ];
    for (const silo of [b, c]) {
      silo.endpoint.setServing(true);
      silo.endpoint.setServing(true);
      await silo.fence(silo);
    }
    const rounds = Array.from({ length: 200 }, (_, i) => i);
    for (const round of rounds) {
      a.send(ANY_SILO, probe(round));
      await bench.turn();
    }
    await all([b, c], () => b.rounds.length + c.rounds.length === rounds.length);
    await Promise.all([a.fence(b), a.fence(c), a.fence(d)]);
    expect([...b.rounds, ...c.rounds].toSorted((x, y) => x - y)).toEqual(rounds);
    expect([a.rounds, d.rounds]).toEqual([[], []]);
    // Each has its share: 200 throws of a coin do not all fall on one side.
    expect(Math.min(b.rounds.length, c.rounds.length)).toBeGreaterThan(0);
  });

  rule("T6", "an endpoint that no longer serves gets no more of them", async (bench) => {
    const [a, b, c] = [await bench.join(), await bench.join(), await bench.join()];
    for (const silo of [b, c]) silo.endpoint.setServing(true);
    b.endpoint.setServing(false);
    await Promise.all([b.fence(b), c.fence(c)]);
    for (let round = 0; round < 20; round++) {
      a.send(ANY_SILO, probe(round));
      await bench.turn();
    }
    await c.until(() => c.rounds.length === 20);
    expect(b.rounds).toEqual([]);
    b.endpoint.setServing(true);
    c.endpoint.setServing(false);
    await Promise.all([b.fence(b), c.fence(c)]);
    a.send(ANY_SILO, probe(20));
    await b.until(() => b.rounds.length > 0);
    expect(b.rounds).toEqual([20]);
  });

  rule("T6", "a message to everyone reaches all, the sender too", async (bench) => {
    const shared = await bench.open();
    const parties = [await bench.join(shared), await bench.join(shared), await bench.join()];
    const [a] = parties as [Party];
    parties[1]!.endpoint.setServing(true);
    a.send(EVERYONE, probe(1));
    for (const party of parties) await a.fence(party);
    expect(parties.map((party) => party.rounds)).toEqual([[1], [1], [1]]);
    expect(parties.map((party) => party.received[0]?.from)).toEqual([
      a.address,
      a.address,
      a.address,
    ]);
  });
}

async function all(parties: readonly Party[], condition: () => boolean): Promise<void> {
  // Whichever of them it is that the last message reaches.
  await Promise.race(parties.map((party) => party.until(condition)));
}
