// Runs one command on both sides, ownership-rules and Redis, and expects the same answers and the same records.
import { deepStrictEqual } from "node:assert";
import {
  type ActorAddress,
  CLAIMS_KEPT,
  type ClaimAnswer,
  type ClaimRequest,
  type Directory,
  dueBucket,
  encodeActorKey,
  formatActor,
  type LoadRequest,
  PROTOCOL_VERSION,
  type RegisterRequest,
  type SaveRequest,
  type Sequenced,
  type Storage,
} from "@tenure/core/internal";
import type { Redis } from "ioredis";
import { ACTORS, type Command, INCARNATIONS, PARTS, STORE_ID } from "./redis-rules-commands.ts";
import { RulesModel } from "./redis-rules-model.ts";

export interface Compared {
  readonly directory: Directory;
  readonly storage: Storage;
  /** For what only a test does: spoiling records, and reading them behind the store's back. */
  readonly raw: Redis;
  /** `tenure:<cluster>:` */
  readonly prefix: string;
  /** Counts what happened. */
  readonly note: (what: string) => void;
}

export class Comparison {
  readonly #on: Compared;
  readonly #model = new RulesModel();
  #again: () => Promise<void> = async () => {};
  #reclaims = 0;
  #sequences = { directory: 0, storage: 0 };

  constructor(on: Compared) {
    this.#on = on;
  }

  async step(given: Command): Promise<void> {
    if (given.kind === "again") {
      this.#on.note("again sent");
      await this.#again();
      return;
    }
    const run = this.#prepare(given);
    await run();
    this.#again = run;
  }

  /** Resolves a command's choices now, so that running it again sends the same request. */
  #prepare(given: Exclude<Command, { kind: "again" }>): () => Promise<void> {
    const model = this.#model;
    const { directory, storage, raw, prefix, note } = this.#on;
    switch (given.kind) {
      case "register": {
        const { kind: _, ...rest } = given;
        const types = { Cart: 2 };
        const request = { ...rest, types, roles: ["gpu"], proposedStoreId: STORE_ID };
        return () =>
          this.#same("register", directory.register(request), () => {
            const answer = model.register(request);
            if (!answer.ok && answer.refusal === "protocol" && hasNamesake(model, request))
              note("foreign namesake");
            return answer;
          });
      }
      case "renew": {
        const { incarnation: me, load: held, state } = given;
        const expectedRev = this.#rev(me, given.expectedRev) as number;
        const request = { incarnation: me, expectedRev, load: held, state } as const;
        return () => this.#same("renew", directory.renew(request), () => model.renew(request));
      }
      case "markDead": {
        const { incarnation: other } = given;
        const request = { incarnation: other, expectedRev: this.#rev(other, given.expectedRev) };
        return () =>
          this.#same("markDead", directory.markDead(request), () => model.markDead(request));
      }
      case "open":
        return () =>
          this.#same("open", directory.open(given.storeId), () => model.open(given.storeId));
      case "claim": {
        const items = given.items.map((item): ClaimRequest => {
          const entry = model.entries.get(formatActor(item.actor));
          const current = entry && !entry.free ? { token: entry.token } : ("free" as const);
          return { ...item, expected: item.expected === "current" ? current : item.expected };
        });
        return () =>
          this.#same("claim", directory.claim(items), () =>
            items.map((item): ClaimAnswer => {
              const before = model.counter;
              const answer = model.claim(item);
              if (answer.ok && model.counter === before) note("claim resent");
              return answer;
            }),
          );
      }
      case "reclaim": {
        const { actor } = given;
        const entry = model.entries.get(formatActor(actor));
        let expected: ClaimRequest["expected"] =
          entry && !entry.free ? { token: entry.token } : "free";
        const items = Array.from({ length: given.times }, (): ClaimRequest => {
          const incarnation = entry?.incarnation ?? INCARNATIONS[0]!;
          const token = `own${++this.#reclaims}`;
          const item = {
            actor,
            incarnation,
            token,
            expected,
            floor: 0,
            reason: "reactivate",
          } as const;
          expected = { token };
          return item;
        });
        return () =>
          this.#same("claim", directory.claim(items), () =>
            items.map((item) => {
              const before = model.entries.get(formatActor(actor));
              const answer = model.claim(item);
              if (answer.ok && before?.claims.length === CLAIMS_KEPT) note("history full");
              return answer;
            }),
          );
      }
      case "release": {
        const items = given.items.map((item) => ({
          actor: item.actor,
          token:
            item.token === "current"
              ? (model.entries.get(formatActor(item.actor))?.token ?? "none")
              : item.token,
        }));
        return () =>
          this.#same("release", directory.release(items), () =>
            items.map((item) => model.release(item)),
          );
      }
      case "load":
      case "verify": {
        const items = given.items.map((item) => this.#claimOf(item));
        return given.kind === "load"
          ? () =>
              this.#same("load", storage.load(items), () =>
                items.map((item) => {
                  const answer = model.load(item);
                  const parts = model.rows.get(formatActor(item.actor))?.parts ?? [];
                  for (const [name, bytes] of parts)
                    if (answer.ok && name.startsWith("k/") && bytes.length > 24)
                      note("header only");
                  return answer;
                }),
              )
          : () =>
              this.#same("verify", storage.verify(items), () => items.map((i) => model.verify(i)));
      }
      case "save": {
        const items = given.items.map((item): SaveRequest => {
          const etag = model.rows.get(formatActor(item.actor))?.meta.etag ?? "";
          return {
            ...item,
            ...this.#claimOf(item),
            etag: item.etag === "current" ? etag : item.etag,
            put: new Map(Object.entries(item.put)),
          };
        });
        return () =>
          this.#same("save", storage.save(items), () =>
            items.map((item) => {
              const before = model.rows.get(formatActor(item.actor));
              const answer = model.save(item);
              if (answer.ok && model.rows.get(formatActor(item.actor)) === before)
                note("save resent");
              return answer;
            }),
          );
      }
      case "due":
        return async () => {
          const bucket = dueBucket(encodeActorKey(given.actor));
          const found = await storage.dueBefore(bucket, given.time, 10);
          deepStrictEqual(found, this.#due(bucket, given.time));
          if (found.length > 0) note("due found");
        };
      case "parts":
        return async () => {
          const found = await storage.parts({ actor: given.actor, names: PARTS });
          const row = model.rows.get(formatActor(given.actor));
          deepStrictEqual(sorted(found), sorted(row?.parts ?? new Map()));
        };
      case "foreign":
        return async () => {
          const member = model.members.get(given.incarnation);
          if (!member) return;
          const protocol = PROTOCOL_VERSION + 1;
          model.members.set(given.incarnation, { ...member, protocol });
          await raw.hset(`${prefix}member:${given.incarnation}`, "protocol", protocol);
        };
      case "lose owner":
        return async () => {
          const owner = model.entries.get(formatActor(given.actor))?.incarnation;
          if (owner === undefined) return;
          model.members.delete(owner);
          await raw.del(`${prefix}member:${owner}`);
        };
      case "newer row":
        return async () => {
          const key = formatActor(given.actor);
          const row = model.rows.get(key);
          if (!row) return;
          model.rows.set(key, { ...row, meta: { ...row.meta, format: 2 } });
          await raw.hset(`${prefix}row:${encodeActorKey(given.actor)}`, "format", "2");
        };
    }
  }

  async #same<T>(name: string, asked: Promise<Sequenced<T>>, decide: () => T): Promise<void> {
    const { sequence, answer } = await asked;
    const before = this.#snapshot();
    const decided = decide();
    deepStrictEqual({ name, answer }, { name, answer: decided });
    for (const one of Array.isArray(decided) ? (decided as unknown[]) : [decided])
      this.#on.note(`${name} ${outcomeOf(one)}`);
    // The sequence never goes back, and moves with every change (R14).
    const store = name === "load" || name === "save" || name === "verify" ? "storage" : "directory";
    const moved = sequence - this.#sequences[store];
    deepStrictEqual({ name, moved }, { name, moved: this.#snapshot() === before ? 0 : 1 });
    this.#sequences[store] = sequence;
  }

  /** Every record, as each side has it. */
  async compareRecords(): Promise<void> {
    const model = this.#model;
    const { directory, storage, raw, prefix } = this.#on;
    const { answer: members } = await directory.members();
    deepStrictEqual(members, {
      sentinel: model.sentinel,
      members: model.sortedMembers(),
      damaged: [],
    });
    const { answer: entries } = await directory.lookup(ACTORS);
    deepStrictEqual(
      entries,
      ACTORS.map((one) => ({ ok: true, entry: model.entries.get(formatActor(one)) })),
    );
    deepStrictEqual(Number((await raw.hget(`${prefix}directory`, "counter")) ?? 0), model.counter);
    for (const one of ACTORS) {
      const row = model.rows.get(formatActor(one));
      const stored = await raw.hgetallBuffer(`${prefix}row:${encodeActorKey(one)}`);
      const fields = row
        ? [
            ...Object.entries(row.meta)
              .filter(([, value]) => value !== undefined)
              .map(([name, value]) => [name, Buffer.from(String(value))] as const),
            ...[...row.parts].map(([name, bytes]) => [`p:${name}`, Buffer.from(bytes)] as const),
          ]
        : [];
      deepStrictEqual(sorted(new Map(Object.entries(stored))), sorted(new Map(fields)));
      const bucket = dueBucket(encodeActorKey(one));
      deepStrictEqual(await storage.dueBefore(bucket, 1e300, 10), this.#due(bucket, 1e300));
    }
    // D5: nothing has a time to live.
    const ttls = await Promise.all((await raw.keys("*")).map((key) => raw.ttl(key)));
    deepStrictEqual(
      ttls.filter((ttl) => ttl !== -1),
      [],
    );
  }

  #rev<T>(of: string, given: T | "current"): T | number {
    return given === "current" ? (this.#model.members.get(of)?.rev ?? 1) : given;
  }

  /** A claim as the entry has it, or as the row has it where there is no entry. */
  #claimOf(item: {
    readonly actor: ActorAddress;
    readonly generation: number | "current";
    readonly token: string;
  }): LoadRequest {
    const key = formatActor(item.actor);
    const row = this.#model.rows.get(key)?.meta;
    const entry = this.#model.entries.get(key);
    const current = row && (!entry || row.generation > entry.generation) ? row : entry;
    return {
      actor: item.actor,
      generation: item.generation === "current" ? (current?.generation ?? 1) : item.generation,
      token: item.token === "current" ? (current?.token ?? "t0") : item.token,
    };
  }

  #due(bucket: number, time: number): { actor: ActorAddress; due: number }[] {
    const due: { actor: ActorAddress; due: number }[] = [];
    for (const one of ACTORS) {
      const at = this.#model.rows.get(formatActor(one))?.meta.due;
      if (at !== undefined && at <= time && dueBucket(encodeActorKey(one)) === bucket)
        due.push({ actor: one, due: at });
    }
    return due.toSorted((a, b) => a.due - b.due);
  }

  #snapshot(): string {
    const { members, entries, rows, sentinel, counter } = this.#model;
    return JSON.stringify([[...members], [...entries], [...rows], sentinel, counter]);
  }
}

/** Whether the name is taken too: then the order of the checks shows. */
function hasNamesake(model: RulesModel, request: RegisterRequest): boolean {
  return model
    .sortedMembers()
    .some(
      ({ incarnation, name, state, protocol }) =>
        incarnation !== request.incarnation &&
        state !== "dead" &&
        name === request.name &&
        protocol === request.protocol,
    );
}

function outcomeOf(answer: unknown): string {
  if (typeof answer === "boolean") return String(answer);
  const { ok, refusal } = answer as { ok: boolean; refusal?: string };
  return ok ? "ok" : String(refusal);
}

function sorted(parts: ReadonlyMap<string, Uint8Array>): unknown[] {
  return [...parts]
    .map(([name, bytes]) => [name, Buffer.from(bytes).toString("hex")])
    .toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1));
}
