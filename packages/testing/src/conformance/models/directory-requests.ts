// From a command to the requests that it stands for, in a given state: run again, they are the same requests.
import {
  type ActorAddress,
  type ClaimRequest,
  type DirectoryEntry,
  formatActor,
  type Incarnation,
  type MarkDeadRequest,
  type RegisterRequest,
  type ReleaseRequest,
  type RenewRequest,
  type SweepRequest,
} from "@tenure/core/internal";
import { type DirectoryCommand, type SiloChoice, STORE_ID } from "./directory-commands.ts";
import type { DirectoryAsk, DirectoryState } from "./directory-model.ts";

/** One operation of the port. */
export type DirectoryOperation =
  | { readonly op: "register"; readonly requests: readonly [RegisterRequest] }
  | { readonly op: "renew"; readonly requests: readonly [RenewRequest] }
  | { readonly op: "markDead"; readonly requests: readonly [MarkDeadRequest] }
  | { readonly op: "sweep"; readonly requests: readonly [SweepRequest] }
  | { readonly op: "open"; readonly requests: readonly [{ readonly storeId: string }] }
  | { readonly op: "claim"; readonly requests: readonly ClaimRequest[] }
  | { readonly op: "release"; readonly requests: readonly ReleaseRequest[] };

export type Requesting = Extract<DirectoryCommand, { kind: DirectoryOperation["op"] | "reclaim" }>;

/** What its operation asks, one by one (D4). */
export function asksOf({ op, requests }: DirectoryOperation): readonly DirectoryAsk[] {
  return requests.map((request) => ({ op, request }) as DirectoryAsk);
}

/** `fresh` names what was never named before. */
export function operationOf(
  command: Requesting,
  state: DirectoryState,
  fresh: () => number,
): DirectoryOperation {
  const silo = (choice: SiloChoice): Incarnation => incarnationOf(choice, state, fresh);
  const rev = <T>(of: Incarnation, given: T | "current"): T | number =>
    given === "current" ? (state.members.get(of)?.rev ?? 1) : given;
  const entryOf = (actor: ActorAddress): DirectoryEntry | undefined =>
    state.entries.get(formatActor(actor));
  switch (command.kind) {
    case "register": {
      const { name, protocol, bootstrap } = command;
      const described = { name, protocol, bootstrap, types: { Cart: 2 }, roles: ["gpu"] };
      const incarnation = silo(command.silo);
      return {
        op: "register",
        requests: [{ ...described, incarnation, proposedStoreId: STORE_ID }],
      };
    }
    case "renew": {
      const incarnation = silo(command.silo);
      const expectedRev = rev(incarnation, command.expectedRev);
      const { load, state: wanted } = command;
      return { op: "renew", requests: [{ incarnation, expectedRev, load, state: wanted }] };
    }
    case "markDead": {
      const incarnation = silo(command.silo);
      const expectedRev = rev(incarnation, command.expectedRev);
      return { op: "markDead", requests: [{ incarnation, expectedRev }] };
    }
    case "sweep":
      return { op: "sweep", requests: [{ incarnation: silo(command.silo) }] };
    case "open":
      return { op: "open", requests: [{ storeId: command.storeId }] };
    case "claim": {
      const requests = command.items.map((item): ClaimRequest => {
        const { actor, floor, reason } = item;
        const entry = entryOf(actor);
        const past = entry?.claims[0]?.token ?? "t0";
        const token =
          item.token === "new" ? `n${fresh()}` : item.token === "past" ? past : item.token;
        const current = entry && !entry.free ? { token: entry.token } : ("free" as const);
        const expected = item.expected === "current" ? current : item.expected;
        return { actor, incarnation: silo(item.silo), token, expected, floor, reason };
      });
      return { op: "claim", requests };
    }
    case "reclaim": {
      const { actor, times } = command;
      const entry = entryOf(actor);
      const incarnation = entry?.incarnation ?? silo({ of: "living", at: 0 });
      let expected: ClaimRequest["expected"] =
        entry && !entry.free ? { token: entry.token } : "free";
      const requests = Array.from({ length: times }, (): ClaimRequest => {
        const token = `n${fresh()}`;
        const request = { actor, incarnation, token, expected, floor: 0 } as const;
        expected = { token };
        return { ...request, reason: "reactivate" };
      });
      return { op: "claim", requests };
    }
    case "release":
      return {
        op: "release",
        requests: command.items.map(({ actor, token }) => ({
          actor,
          token: token === "current" ? (entryOf(actor)?.token ?? "none") : token,
        })),
      };
  }
}

/** One that was never seen where there is none of the kind that was chosen. */
export function incarnationOf(
  { of, at }: SiloChoice,
  { members }: DirectoryState,
  fresh: () => number,
): Incarnation {
  const pool =
    of === "new"
      ? []
      : [...members.values()].filter(({ state }) => of === "known" || state !== "dead");
  return pool[at % pool.length]?.incarnation ?? incarnationNumber(fresh());
}

// Scattered, so that the order of their names is not the order in which they came.
function incarnationNumber(n: number): Incarnation {
  return Math.imul(n, 0x9e3779b1 | 0)
    .toString(16)
    .replace("-", "f")
    .padStart(32, "0");
}
