// What clients did and were told, as plain records that cross between processes.

export type Op =
  | { readonly kind: "append"; readonly item: string }
  /** An append whose turn throws at its end. */
  | { readonly kind: "fail"; readonly item: string }
  | { readonly kind: "peek" }
  | { readonly kind: "credit"; readonly key: string }
  | { readonly kind: "put"; readonly value: string }
  | { readonly kind: "swap"; readonly expected: string; readonly value: string }
  | { readonly kind: "get" };

export type ActorType = "ledger" | "tally" | "register";
/** `ledger/a`. */
export type ActorName = `${ActorType}/${string}`;

export interface CallRecord {
  readonly client: string;
  readonly actor: ActorName;
  readonly op: Op;
  readonly calledMs: number;
  readonly returnedMs: number;
  readonly outcome: "ok" | "not-executed" | "unknown" | "threw";
  /** What the call answered; of an "ok" call. */
  readonly value?: unknown;
  /** Code and message of what it failed with. */
  readonly error?: string;
}

/** What is stored at the end: a ledger's items, a tally's keys, a register's value. */
export type Stored = readonly string[] | string;

/** The storage's server was gone from then to then, and came back empty. */
export interface Loss {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface History {
  readonly records: readonly CallRecord[];
  readonly stored: ReadonlyMap<ActorName, Stored>;
  /** When the stored was read: after all calls. */
  readonly storedMs: number;
  readonly losses: readonly Loss[];
}

export function typeOf(actor: ActorName): ActorType {
  return actor.slice(0, actor.indexOf("/")) as ActorType;
}

export function idOf(actor: ActorName): string {
  return actor.slice(actor.indexOf("/") + 1);
}

export function describeRecord(record: CallRecord, originMs: number): string {
  const { client, actor, op, calledMs, returnedMs, outcome, value, error } = record;
  const { kind, ...about } = op;
  const at = (ms: number): string => (ms - originMs).toFixed(1).padStart(9);
  const answer = outcome === "ok" ? JSON.stringify(value ?? null) : `${outcome}: ${error ?? ""}`;
  return `${at(calledMs)} –${at(returnedMs)} ${client} ${actor} ${kind} ${Object.values(about).join(" ")} → ${answer}`;
}
