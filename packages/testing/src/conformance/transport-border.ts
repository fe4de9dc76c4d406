// Strangers, and lost connections.
import { ANY_SILO, EVERYONE, type Message } from "@tenure/core/internal";
import { expect } from "vitest";
import { needed } from "./suite.ts";
import { call, probe, type TransportBench, type TransportRule } from "./transport-bench.ts";

const STRANGER = "e".repeat(32);

export function borderTests(rule: TransportRule): void {
  rule("T4", "clusters do not hear each other, even with the same addresses", async (bench) => {
    const [ours, theirs] = [await bench.open(), await bench.open(`${bench.cluster}x`)];
    const [a, b] = [await bench.join(ours), await bench.join(ours)];
    const [a2, b2] = [await bench.join(theirs, a.address), await bench.join(theirs, b.address)];
    for (const silo of [b, b2]) {
      silo.endpoint.setServing(true);
      await silo.fence(silo);
    }
    for (const to of [b.address, EVERYONE, ANY_SILO]) a.send(to, call(1));
    await b.until(() => callsOf(b.received).length === 3);
    await a2.fence(b2);
    expect([callsOf(a2.received), callsOf(b2.received)]).toEqual([[], []]);
    expect(callsOf(a.received)).toHaveLength(1);
  });

  rule("T3 T4", "an address that only another cluster has is absent here", async (bench) => {
    const [ours, theirs] = [await bench.open(), await bench.open(`${bench.cluster}x`)];
    const [a, b2] = [await bench.join(ours), await bench.join(theirs)];
    const tag = a.send(b2, call(1));
    await a.until(() => a.undelivered.length > 0);
    expect(a.undelivered).toEqual([{ to: b2.address, tag }]);
    expect(b2.received).toEqual([]);
  });

  rule("T4 RAW", "garbage is reported and dropped, and what follows arrives", async (bench) => {
    const publishRaw = needed(bench.store.publishRaw, "publishRaw", "RAW");
    const [a, b] = [await bench.join(), await bench.join()];
    const garbage = GARBAGE.map((bytes) => Uint8Array.from(bytes));
    for (const to of [b.address, EVERYONE])
      for (const bytes of garbage)
        await publishRaw({ cluster: bench.cluster, to, from: STRANGER }, bytes);
    await a.fence(b);
    await a.fence(a);
    expect(b.received).toHaveLength(1);
    // To b: one report for each. To everyone: one for each of the two endpoints.
    const reports = garbageEvents(bench);
    expect(reports).toHaveLength(3 * garbage.length);
    expect(new Set(reports.map(({ from }) => from))).toEqual(new Set([STRANGER]));
    expect(reports.map(({ problem }) => problem)).toContainEqual(
      expect.stringContaining("protocol version 9"),
    );
  });

  rule("T4 T7 RAW", "a sender that is not an endpoint's address is garbage", async (bench) => {
    const publishRaw = needed(bench.store.publishRaw, "publishRaw", "RAW");
    const [a, b] = [await bench.join(), await bench.join()];
    for (const from of [ANY_SILO, EVERYONE, "x", STRANGER.toUpperCase()])
      await publishRaw({ cluster: bench.cluster, to: b.address, from }, PROBE_FRAME);
    await publishRaw({ cluster: bench.cluster, to: b.address, from: STRANGER }, PROBE_FRAME);
    await a.fence(b);
    expect(b.received.filter(({ from }) => from !== a.address)).toEqual([
      { from: STRANGER, message: probe(5) },
    ]);
    expect(garbageEvents(bench).map(({ from }) => from)).toEqual([
      ANY_SILO,
      EVERYONE,
      "x",
      STRANGER.toUpperCase(),
    ]);
  });

  rule("T3 CUT", "a lost connection is told, and nothing is kept for later", async (bench) => {
    const cut = needed(bench.store.cut, "cut", "CUT");
    const heal = needed(bench.store.heal, "heal", "CUT");
    const shared = await bench.open();
    const [a, b, c] = [await bench.join(shared), await bench.join(), await bench.join(shared)];
    await cut();
    await Promise.all([a, b, c].map((party) => party.until(() => party.changes.length > 0)));
    expect(a.send(b, probe(1))).toBeUndefined();
    expect(a.send(EVERYONE, probe(2))).toBeUndefined();
    await heal();
    await Promise.all([a, b, c].map((party) => party.until(() => party.changes.length > 1)));
    expect([a.changes, b.changes, c.changes]).toEqual([BOTH, BOTH, BOTH]);
    expect(a.send(b, probe(3))).toBeDefined();
    await a.fence(b);
    expect(b.rounds).toEqual([3]);
    const types = bench.events.map(({ type }) => type);
    // Two transports, each told once.
    expect(types.filter((type) => type === "transport.disconnected")).toHaveLength(2);
    expect(types.filter((type) => type === "transport.reconnected")).toHaveLength(2);
  });

  rule("T3 CUT", "what had not left when the connection was lost is reported", async (bench) => {
    const cut = needed(bench.store.cut, "cut", "CUT");
    const heal = needed(bench.store.heal, "heal", "CUT");
    const [a, b] = [await bench.join(), await bench.join()];
    const sent: (number | undefined)[] = [];
    let stopped = false;
    const untilLost = async (): Promise<void> => {
      while (!stopped) {
        sent.push(a.send(b, probe(sent.length)));
        await bench.turn();
      }
    };
    const sending = untilLost();
    await cut();
    await a.until(() => a.changes.length > 0);
    stopped = true;
    await sending;
    await heal();
    await a.until(() => a.changes.length > 1);
    await b.until(() => b.changes.length > 1);
    await a.fence(b);
    // Each message has arrived, or is lost and nobody knows, or has provably not left: never two of these.
    const unsent = new Set(a.undelivered.map(({ tag }) => tag));
    expect(
      b.rounds.filter((round) => sent[round] === undefined || unsent.has(sent[round]!)),
    ).toEqual([]);
    expect(b.rounds).toEqual([...b.rounds].toSorted((x, y) => x - y));
  });

  rule(
    "T5 CUT",
    "an endpoint can be closed and dropped while the connection is lost",
    async (bench) => {
      const cut = needed(bench.store.cut, "cut", "CUT");
      const heal = needed(bench.store.heal, "heal", "CUT");
      const shared = await bench.open();
      const [a, b] = [await bench.join(shared), await bench.join(shared)];
      await cut();
      await a.until(() => a.changes.length > 0);
      a.endpoint.drop();
      await b.endpoint.close();
      await shared.close();
      await heal();
      const c = await bench.join();
      c.send(a, call(1));
      c.send(b, call(1));
      await c.until(() => c.undelivered.length === 2);
      expect([a.changes, b.changes]).toEqual([["disconnected"], ["disconnected"]]);
    },
  );
}

const BOTH = ["disconnected", "reconnected"];
const PROBE_FRAME = Uint8Array.from([0x54, 1, 0x91, 0x92, 5, 5]);
/** Each is dropped with one report. */
const GARBAGE: readonly (readonly number[])[] = [
  [],
  [0x54],
  [0, 1, 2, 3],
  [0x54, 9, 0x91, 0x92, 5, 5], // another protocol version
  [0x54, 1, 0xc1], // not MessagePack
  [0x54, 1, 0x93, 0x92], // cut off
  [0x54, 1, 5], // not a list
  [0x54, 1, 0x91, 0x92, 99, 5], // an unknown kind
  [0x54, 1, 0x91, 0x92, 5, 0xa1, 0x78], // a wrong type of field
];

function callsOf(received: readonly { readonly message: Message }[]): readonly Message[] {
  return received.map(({ message }) => message).filter(({ kind }) => kind === "call");
}

function garbageEvents(
  bench: TransportBench,
): readonly { readonly from: string; readonly problem: string }[] {
  return bench.events.filter((event) => event.type === "transport.garbage");
}
