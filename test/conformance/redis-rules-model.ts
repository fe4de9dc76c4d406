// What Redis is compared with: ownership-rules over maps, and nothing else.
import {
  checkRowMeta,
  type ClaimAnswer,
  type ClaimRequest,
  DamagedRecord,
  decideClaim,
  decideLoad,
  decideMarkDead,
  decideRegister,
  decideRelease,
  decideRenew,
  decideSave,
  decideVerify,
  type DirectoryEntry,
  formatActor,
  type LoadAnswer,
  type LoadRequest,
  type MarkDeadAnswer,
  type MarkDeadRequest,
  type MemberRecord,
  type RegisterAnswer,
  type RegisterRequest,
  type ReleaseAnswer,
  type ReleaseRequest,
  type RenewAnswer,
  type RenewRequest,
  ROW_FORMAT,
  type RowMeta,
  type SaveAnswer,
  type SaveRequest,
  type Sentinel,
} from "@tenure/core/internal";

export interface ModelRow {
  readonly meta: RowMeta;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

export class RulesModel {
  readonly members = new Map<string, MemberRecord>();
  readonly entries = new Map<string, DirectoryEntry>();
  readonly rows = new Map<string, ModelRow>();
  sentinel: Sentinel | undefined;
  counter = 0;

  sortedMembers(): MemberRecord[] {
    return [...this.members.values()].toSorted((a, b) => (a.incarnation < b.incarnation ? -1 : 1));
  }

  register(request: RegisterRequest): RegisterAnswer {
    const answer = decideRegister(this.sortedMembers(), this.sentinel, request);
    if (answer.ok) {
      this.members.set(request.incarnation, answer.member);
      this.sentinel = answer.sentinel;
    }
    return answer;
  }

  renew(request: RenewRequest): RenewAnswer {
    return this.#keep(decideRenew(this.members.get(request.incarnation), request));
  }

  markDead(request: MarkDeadRequest): MarkDeadAnswer {
    return this.#keep(decideMarkDead(this.members.get(request.incarnation), request));
  }

  open(storeId: string): boolean {
    if (this.sentinel?.storeId !== storeId) return false;
    this.sentinel = { storeId, open: true };
    return true;
  }

  claim(request: ClaimRequest): ClaimAnswer {
    const key = formatActor(request.actor);
    const entry = this.entries.get(key);
    const decision = decideClaim(
      {
        sentinel: this.sentinel,
        counter: this.counter,
        entry,
        owner: entry && this.members.get(entry.incarnation),
        claimant: this.members.get(request.incarnation),
      },
      request,
    );
    if (decision.entry) this.entries.set(key, decision.entry);
    if (decision.counter !== undefined) this.counter = decision.counter;
    if (decision.claimant) this.members.set(request.incarnation, decision.claimant);
    return decision.answer;
  }

  release(request: ReleaseRequest): ReleaseAnswer {
    const key = formatActor(request.actor);
    const decision = decideRelease(this.entries.get(key), request);
    if (decision.entry) this.entries.set(key, decision.entry);
    return decision.answer;
  }

  load(request: LoadRequest): LoadAnswer {
    const key = formatActor(request.actor);
    const decision = decideLoad(this.#readable(key), request);
    if (!decision.ok) return decision;
    const parts = this.rows.get(key)?.parts ?? new Map<string, Uint8Array>();
    this.rows.set(key, { meta: decision.meta, parts });
    const heads = [...parts].map(
      ([name, bytes]) => [name, name.startsWith("k/") ? bytes.slice(0, 24) : bytes] as const,
    );
    return { ok: true, row: { meta: decision.meta, parts: new Map(heads) } };
  }

  save(request: SaveRequest): SaveAnswer {
    const key = formatActor(request.actor);
    const { answer, meta } = decideSave(this.#readable(key), request);
    if (!meta) return answer;
    const parts = new Map(this.rows.get(key)!.parts);
    for (const name of request.del) parts.delete(name);
    for (const [name, bytes] of request.put) parts.set(name, bytes);
    this.rows.set(key, { meta, parts });
    return answer;
  }

  verify(request: LoadRequest): boolean {
    return decideVerify(this.#readable(formatActor(request.actor)), request);
  }

  /** A row of a newer version, of which only the format is sure. */
  #readable(key: string): RowMeta | undefined {
    const row = this.rows.get(key);
    if (!row) return undefined;
    const meta = checkRowMeta({ ...row.meta }, ROW_FORMAT);
    if (meta instanceof DamagedRecord) throw new Error(`the model broke a row: ${meta.problem}`);
    return meta;
  }

  #keep<A extends RenewAnswer | MarkDeadAnswer>(answer: A): A {
    if (answer.ok) this.members.set(answer.member.incarnation, answer.member);
    return answer;
  }
}
