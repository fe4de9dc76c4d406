// The directory's tables in JetStream. Decides nothing: see core's directory-tables.
//   JD1. Members, sentinel and counter are one record, so that what a registration or a claim is decided on cannot change
//        under it; each entry is a record of its own, and so is each member that was swept.
//   JD2. That record is written before the entries of a claim: its claimant was alive then, and the counter is never below an
//        entry's generation. A swept member's own record is written before it leaves the list: it is never nowhere.
//   JD3. A member's text stays as it is when others change, also where it cannot be read (C2).
import {
  type ActorAddress,
  type DamagedRecord,
  decodeEntry,
  decodeMember,
  type DirectoryEntry,
  type DirectoryTables,
  encodeEntry,
  encodeMember,
  type Incarnation,
  type MemberRecord,
  type Sentinel,
} from "@tenure/core/internal";
import { decodeMembers, encodeMembers, type MembersRecord } from "./members-record.ts";
import type { View, ViewTables } from "./optimistic.ts";
import type { DirectorySubjects } from "./subjects.ts";

export class JetStreamDirectoryTables implements DirectoryTables, ViewTables {
  readonly #view: View;
  readonly #subjects: DirectorySubjects;
  readonly #members: MembersRecord;
  readonly #entries = new Map<string, DirectoryEntry>();
  readonly #swept = new Map<Incarnation, string>();
  #isChanged = false;

  constructor(view: View, subjects: DirectorySubjects) {
    this.#view = view;
    this.#subjects = subjects;
    this.#members = decodeMembers(view.read(subjects.members));
  }

  sentinel(): Sentinel | undefined {
    return this.#members.sentinel;
  }

  putSentinel({ storeId, open }: Sentinel): void {
    this.#members.sentinel = { storeId, open };
    this.#isChanged = true;
  }

  counter(): number {
    return this.#members.counter;
  }

  putCounter(counter: number): void {
    this.#members.counter = counter;
    this.#isChanged = true;
  }

  *members(): Iterable<readonly [Incarnation, MemberRecord | DamagedRecord]> {
    for (const [incarnation, text] of this.#members.texts) yield [incarnation, decodeMember(text)];
  }

  member(incarnation: Incarnation): MemberRecord | DamagedRecord | undefined {
    const listed = this.#members.texts.get(incarnation);
    if (listed !== undefined) return decodeMember(listed);
    const swept = this.#view.read(this.#subjects.swept(incarnation));
    return swept && decodeMember(textOf(swept));
  }

  putMember(member: MemberRecord): void {
    this.#members.texts.set(member.incarnation, encodeMember(member));
    this.#isChanged = true;
  }

  unlistMember(incarnation: Incarnation): void {
    const text = this.#members.texts.get(incarnation);
    if (text === undefined) return;
    this.#swept.set(incarnation, text);
    this.#members.texts.delete(incarnation);
    this.#isChanged = true;
  }

  entry(actor: ActorAddress): DirectoryEntry | DamagedRecord | undefined {
    const subject = this.#subjects.entry(actor);
    const written = this.#entries.get(subject);
    if (written) return written;
    const bytes = this.#view.read(subject);
    return bytes && decodeEntry(textOf(bytes));
  }

  putEntry(actor: ActorAddress, entry: DirectoryEntry): void {
    this.#entries.set(this.#subjects.entry(actor), entry);
  }

  /** JD2 */
  flush(): void {
    for (const [incarnation, text] of this.#swept)
      this.#view.write(this.#subjects.swept(incarnation), Buffer.from(text, "utf8"), "first");
    if (this.#isChanged)
      this.#view.write(this.#subjects.members, encodeMembers(this.#members), "second");
    for (const [subject, entry] of this.#entries)
      this.#view.write(subject, Buffer.from(encodeEntry(entry), "utf8"), "third");
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}
