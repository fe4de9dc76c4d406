// From a command to the requests that it stands for, in a given state: run again, they are the same requests.
import {
  type ActorAddress,
  formatActor,
  type LoadRequest,
  type RowMeta,
  type SaveRequest,
} from "@tenure/core/internal";
import { PARTS, type StorageCommand } from "./storage-commands.ts";
import type { StorageAsk, StorageState } from "./storage-model.ts";

/** One operation of the port. */
export type StorageOperation =
  | { readonly op: "load" | "verify"; readonly requests: readonly LoadRequest[] }
  | { readonly op: "save"; readonly requests: readonly SaveRequest[] };

type Requesting = Extract<StorageCommand, { kind: StorageOperation["op"] | "clear" }>;
type ClaimChoice = Extract<StorageCommand, { kind: "load" }>["items"][number];

/** What its operation asks, one by one. */
export function asksOf({ op, requests }: StorageOperation): readonly StorageAsk[] {
  return requests.map((request) => ({ op, request }) as StorageAsk);
}

/** `fresh` names what was never named before. */
export function operationOf(
  command: Requesting,
  { rows }: StorageState,
  fresh: () => number,
): StorageOperation {
  const metaOf = (actor: ActorAddress): RowMeta | undefined => rows.get(formatActor(actor))?.meta;
  const claim = ({ actor, generation, token }: ClaimChoice): LoadRequest => {
    const row = metaOf(actor);
    const from = generation.from === "current" ? (row?.generation ?? 1) : 0;
    return {
      actor,
      generation: Math.max(0, from + generation.plus),
      token: token === "current" ? (row?.token ?? "t0") : token === "new" ? `n${fresh()}` : token,
    };
  };
  switch (command.kind) {
    case "load":
    case "verify":
      return { op: command.kind, requests: command.items.map(claim) };
    case "save": {
      const requests = command.items.map((item): SaveRequest => {
        const current = metaOf(item.actor)?.etag ?? "";
        return {
          ...claim(item),
          etag: item.etag === "current" ? current : item.etag,
          newEtag: newEtagOf(item.newEtag, current, fresh),
          put: new Map(Object.entries(item.put)),
          del: item.del,
          due: item.due,
        };
      });
      return { op: "save", requests };
    }
    case "clear": {
      const { actor } = command;
      const { generation = 1, token = "t0", etag = "" } = metaOf(actor) ?? {};
      const newEtag = `e${fresh()}-new`;
      const put = new Map<string, Uint8Array>();
      const request = { actor, generation, token, etag, newEtag, put, del: PARTS, due: undefined };
      return { op: "save", requests: [request] };
    }
  }
}

/** A row without a save has no etag that a save could have made. */
function newEtagOf(choice: string, current: string, fresh: () => number): string {
  if (choice === "new" || (choice === "current" && current === "")) return `e${fresh()}-new`;
  return choice === "current" ? current : choice;
}
