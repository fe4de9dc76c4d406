// What the tests of the directory port work with: sessions, silos that joined, actors that are owned.
import type {
  ActorAddress,
  ClaimAnswer,
  ClaimRequest,
  Directory,
  DirectoryEntry,
  DirectoryProvider,
  Incarnation,
  MemberRecord,
  RegisterAnswer,
  RegisterRequest,
} from "@tenure/core/internal";
import { expect } from "vitest";
import { Bench, type OpenedStore, type Planted, type RuleTest } from "./suite.ts";

/** Spoils records behind the store's back. Each is called when no session is open. */
export interface DirectoryPlants {
  /** Makes an existing entry unreadable. */
  damagedEntry(cluster: string, actor: ActorAddress): Promise<Planted>;
  /** Makes an existing member record unreadable. */
  damagedMember(cluster: string, incarnation: Incarnation): Promise<Planted>;
  /** Removes a member record without a trace. */
  lostMember(cluster: string, incarnation: Incarnation): Promise<void>;
  /** Makes a member record one of PROTOCOL_VERSION + 1. For the model suite; without it, skip "refused twice" there. */
  foreignMember?(cluster: string, incarnation: Incarnation): Promise<void>;
}

export interface OpenedDirectory extends OpenedStore<DirectoryProvider> {
  /** Without it, skip C2 and R16; in the model suite "claim owner-absent". */
  readonly plant?: DirectoryPlants;
}

export type DirectoryRule = RuleTest<DirectoryBench>;

export class DirectoryBench extends Bench<Directory, OpenedDirectory> {
  registration(changes: Partial<RegisterRequest> = {}): RegisterRequest {
    const incarnation = changes.incarnation ?? this.random.hex128();
    return {
      incarnation,
      name: `silo-${incarnation.slice(0, 8)}`,
      types: { Cart: 1 },
      roles: [],
      protocol: 1,
      proposedStoreId: this.random.hex128(),
      bootstrap: true,
      ...changes,
    };
  }

  /** Registers a new silo of its own name; the directory is open afterwards. */
  async join(directory: Directory): Promise<MemberRecord> {
    return granted((await directory.register(this.registration())).answer);
  }

  claimRequest(
    actor: ActorAddress,
    incarnation: Incarnation,
    changes: Partial<ClaimRequest> = {},
  ): ClaimRequest {
    const token = changes.token ?? this.random.hex128();
    return { actor, incarnation, expected: "free", floor: 0, reason: "call", ...changes, token };
  }

  /** Claims an actor that nobody has, and answers the entry. */
  async own(
    directory: Directory,
    actor: ActorAddress,
    incarnation: Incarnation,
  ): Promise<DirectoryEntry> {
    const answer = await claimOne(directory, this.claimRequest(actor, incarnation));
    if (!answer.ok) throw new Error(`not claimed: ${answer.refusal}`);
    return (await entryOf(directory, actor))!;
  }

  /** Marks an incarnation dead at its present rev. */
  async kill(directory: Directory, incarnation: Incarnation): Promise<void> {
    const { rev } = (await memberOf(directory, incarnation))!;
    const { answer } = await directory.markDead({ incarnation, expectedRev: rev });
    if (!answer.ok) throw new Error(`not marked dead: ${answer.refusal}`);
  }
}

export function granted(answer: RegisterAnswer): MemberRecord {
  if (!answer.ok) throw new Error(`not registered: ${answer.refusal}`);
  return answer.member;
}

export async function memberOf(
  directory: Directory,
  incarnation: Incarnation,
): Promise<MemberRecord | undefined> {
  const { answer } = await directory.members();
  return answer.members.find((member) => member.incarnation === incarnation);
}

export async function claimOne(directory: Directory, request: ClaimRequest): Promise<ClaimAnswer> {
  const { answer } = await directory.claim([request]);
  expect(answer).toHaveLength(1);
  return answer[0]!;
}

export async function entryOf(
  directory: Directory,
  actor: ActorAddress,
): Promise<DirectoryEntry | undefined> {
  const { answer } = await directory.lookup([actor]);
  const [found] = answer;
  if (!found?.ok) throw new Error("the entry is damaged");
  return found.entry;
}
