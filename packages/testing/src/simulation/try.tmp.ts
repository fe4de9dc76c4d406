import { Actor, CallError, defineActor } from "@tenure/core";
import { decodeValue } from "@tenure/core/internal";
import { SimCluster } from "./cluster.ts";

class Log extends Actor<{ items: string[] }> {
  static readonly actor = defineActor<Log>({ type: "log", state: () => ({ items: [] }), methods: { read: "read" } });
  async append(x: string) { this.state.items.push(x); return this.state.items.length - 1; }
  read() { return this.state.items.length; }
}
const first = Number(process.argv[2] ?? 1), count = Number(process.argv[3] ?? 20);
const t0 = performance.now(); let events = 0;
for (let seed = first; seed < first + count; seed++) {
  const c = new SimCluster({ seed, actors: [Log] });
  const w = c.world; const rnd = w.fork();
  const problems: string[] = [];
  const start = Promise.all(["s1", "s2", "s3"].map((n) => c.startSilo(n, 1 + (rnd.next() * 2 - 1) * 0.001)));
  await c.drive(start, 20_000);
  const client = await c.drive(c.connect("client"), 1000);
  // faults
  const calm = rnd.next() < 0.1;
  if (!calm) {
    Object.assign(c.network.faults, { loss: rnd.next() < 0.5 ? 0 : rnd.next() * 0.05, duplication: rnd.next() * 0.1, reordering: rnd.next() * 0.2, delayMs: rnd.next() * 20 });
    Object.assign(c.store.faults, { delayMs: rnd.next() * 20, requestLost: rnd.next() < 0.5 ? 0 : rnd.next() * 0.05, answerLost: rnd.next() < 0.5 ? 0 : rnd.next() * 0.05, failedAfterApplying: rnd.next() < 0.5 ? 0 : rnd.next() * 0.05, appliedTwice: rnd.next() < 0.5 ? 0 : rnd.next() * 0.1 });
  }
  const history: { id: string; item: string; call: number; ret: number; outcome: string; index?: number }[] = [];
  let n = 0; let stop = false;
  const worker = async (k: number) => {
    while (!stop) {
      const id = "a" + Math.floor(rnd.next() * 5); const item = `x${n++}`; const call = w.nowMs;
      try { const index = await client.get(Log, id).append(item); history.push({ id, item, call, ret: w.nowMs, outcome: "ok", index }); }
      catch (e) { if (!(e instanceof CallError)) { problems.push("odd error " + String(e)); return; } history.push({ id, item, call, ret: w.nowMs, outcome: e.outcome }); }
      await new Promise<void>((r) => { w.schedule(rnd.next() * 200, "think", r); });
    }
  };
  const workers = Promise.all([0, 1, 2, 3].map(worker));
  const faultAt = () => {
    if (stop || calm) return;
    const names = [...c.silos.keys()]; const name = names[Math.floor(rnd.next() * names.length)]!; const node = c.silos.get(name)!.node;
    const x = rnd.next();
    if (x < 0.2) { c.crash(name); w.schedule(rnd.next() * 8000, "restart " + name, () => void c.startSilo(name).catch((e) => w.note("start failed " + e))); }
    else if (x < 0.5) { w.note("freeze " + name); node.freeze(rnd.next() * 12000, rnd.next() < 0.5); }
    else if (x < 0.7) { w.note("cut " + name); if (rnd.next() < 0.5) c.network.cut(name, "*"); if (rnd.next() < 0.5) c.network.cut("*", name); w.schedule(rnd.next() * 10000, "heal", () => c.network.heal()); }
    else if (x < 0.8) { w.note("store away"); c.store.away = true; w.schedule(rnd.next() * 10000, "store back", () => { c.store.away = false; }); }
    else if (x < 0.9) { node.jumpWallClock((rnd.next() - 0.5) * 1e7); }
    w.schedule(rnd.next() * 6000, "fault", faultAt);
  };
  w.schedule(rnd.next() * 3000, "fault", faultAt);
  await w.run(w.nowMs + 40_000);
  stop = true;
  // heal
  Object.assign(c.network.faults, { loss: 0, duplication: 0, reordering: 0, delayMs: 0.5 }); Object.assign(c.store.faults, { delayMs: 0.5, requestLost: 0, answerLost: 0, failedAfterApplying: 0, appliedTwice: 0 });
  c.network.heal(); c.store.away = false;
  await w.run(w.nowMs + 25_000);
  try { await c.drive(workers, 20_000); } catch { problems.push("workers hang"); }
  for (const id of ["a0", "a1", "a2", "a3", "a4"]) {
    const row = c.store.tables.rows.get("log/" + id); const bytes = row?.parts.get("state");
    const items = bytes ? (decodeValue(bytes.subarray(3)) as { items: string[] }).items : [];
    try { const len = await c.drive(client.get(Log, id).read(), 12_000); if (len !== items.length) problems.push(`read ${len} stored ${items.length}`); } catch (e) { problems.push(`no recovery ${id}: ${String(e)}`); }
    const at = new Map(items.map((x, i) => [x, i])); if (at.size !== items.length) problems.push("duplicate in " + id);
    for (const h of history.filter((h) => h.id === id)) {
      if (h.outcome === "ok" && at.get(h.item) !== h.index) problems.push(`lost/fork ${id} ${h.item} acked ${h.index} at ${at.get(h.item)}`);
      if (h.outcome === "not-executed" && at.has(h.item)) problems.push(`ghost ${id} ${h.item}`);
    }
  }
  events += w.events;
  const oks = history.filter((h) => h.outcome === "ok").length;
  if (problems.length) { console.log(`seed ${seed}: ${problems.slice(0, 4).join("; ")}`); if (process.argv[4]) for (const l of w.recent(Number(process.argv[4]))) console.log("   ", l.atMs.toFixed(1), l.what); }
  if (count <= 3) console.log(seed, w.events, "events", history.length, oks, w.traceHash(), Object.entries(c.events.reduce((m: any, e) => ((m[e.type] = (m[e.type] ?? 0) + 1), m), {})).map((e) => e.join(":")).join(" "));
}
console.log(`${count} seeds, ${events} events, ${((performance.now() - t0) / count).toFixed(0)} ms per seed`);
process.exit(0);
