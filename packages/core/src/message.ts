// What endpoints say to each other, as a closed union. (Its encoding is in message-codec.ts.)
//   M1. Users' values travel as bodies, encoded apart: one that cannot be decoded spoils only its own call.
//   M2. A deadline travels as the remaining budget, never as a time (R20): clocks of two machines differ.
import { actorIdProblem, isActorType } from "./actor-id.ts";
import type { Body } from "./body.ts";
import { describe } from "./duration.ts";
import type { CallHeaders } from "./headers.ts";
import type { Incarnation } from "./silo-id.ts";
import type { SchemaIssue } from "./standard-schema.ts";
import type { AskedCall, WaitState } from "./waits.ts";

/** One call of the chain that led to a call: `type/id.method`, and the turn that made it. */
export interface ChainLink {
  readonly type: string;
  readonly id: string;
  readonly method: string;
  /** The request id of the call whose turn this is. */
  readonly turn: number;
}

export const MAX_CHAIN = 64;

export interface CallMessage {
  readonly kind: "call";
  /** Random per attempt (R29). */
  readonly request: number;
  readonly type: string;
  readonly id: string;
  readonly method: string;
  readonly args: Body;
  /** Milliseconds that are left for the call when it is sent (M2). */
  readonly budgetMs: number;
  readonly key: IdempotencyKey | undefined;
  readonly chain: readonly ChainLink[];
  /** The same call may run twice without harm (a read, idempotent, or keyed). */
  readonly repeatable: boolean;
  /** The reply must be verified at the store, unless a save of its own vouches for it. */
  readonly strict: boolean;
  /** Absent when there are none: most calls carry nothing for them. */
  readonly headers?: CallHeaders | undefined;
}

/** Why a silo did not run a call. Each is a proof that no user code started (I11). */
export type RefusalReason =
  | "moved"
  | "paused"
  | "draining"
  | "overloaded"
  | "expired"
  | "no-silo"
  | "unavailable"
  | "unknown-type"
  | "unknown-method"
  | "invalid"
  | "not-serializable"
  | "deadlock"
  | "unauthorized"
  | "activation-failed"
  | "key-refused";

export interface Refused {
  readonly status: "refused";
  readonly reason: RefusalReason;
  readonly message: string;
  /** With `moved`: who owns the actor, as far as the refusing silo knows, and since which generation. */
  readonly owner: Incarnation | undefined;
  readonly generation: number;
  /** With `overloaded`: how long the refusing silo asks to be left alone, where it can tell. */
  readonly retryAfterMs?: number | undefined;
  /** With `invalid`: what a schema found wrong with the arguments. */
  readonly issues?: readonly SchemaIssue[] | undefined;
}

/** The runtime could not finish the call; it may have run. */
export interface Failed {
  readonly status: "failed";
  readonly code: string;
  readonly message: string;
}

export type CallResult =
  | { readonly status: "ok"; readonly body: Body }
  /** The user's code threw; the body is an encoded error. */
  | { readonly status: "threw"; readonly body: Body }
  | Refused
  | Failed;

export interface ReplyMessage {
  readonly kind: "reply";
  readonly request: number;
  readonly result: CallResult;
}

/**
 * Its caller has given this call up: it need not start, and if it runs, its turn is told. Not answered. A silo to which it means
 * nothing drops it: the call has ended, never came, or came from somebody else.
 */
export interface CancelMessage {
  readonly kind: "cancel";
  readonly request: number;
  readonly type: string;
  readonly id: string;
}

/** Where should calls to this actor go? Sent to any serving silo. */
export interface LocateMessage {
  readonly kind: "locate";
  readonly request: number;
  readonly type: string;
  readonly id: string;
  /** An incarnation that is known not to answer. */
  readonly avoid: Incarnation | undefined;
}

export interface LocatedMessage {
  readonly kind: "located";
  readonly request: number;
  readonly result: Located;
}

export type Located =
  | { readonly status: "at"; readonly silo: Incarnation; readonly generation: number }
  | Refused;

/** A silo's message to itself: a lease must prove that its holder can make progress. */
export interface ProbeMessage {
  readonly kind: "probe";
  readonly round: number;
}

/** An incarnation was marked dead: its pending calls fail now. */
export interface DeathMessage {
  readonly kind: "death";
  readonly incarnation: Incarnation;
}

/** Asks whether an incarnation is dead. If it is, the answer is its death, to the asker alone; else there is none. */
export interface SuspectMessage {
  readonly kind: "suspect";
  readonly incarnation: Incarnation;
}

/** Asks what calls that are at this silo wait for. */
export interface WaitsMessage {
  readonly kind: "waits";
  readonly request: number;
  readonly calls: readonly AskedCall[];
}

/** The answer: a state for each call, in the order of the question. */
export interface WaitingMessage {
  readonly kind: "waiting";
  readonly request: number;
  readonly states: readonly WaitState[];
}

/** Of calls that wait for each other this one, which waits at this silo, is to be refused, if it still waits. */
export interface BreakMessage {
  readonly kind: "break";
  readonly request: number;
  readonly type: string;
  readonly id: string;
  /** The ring, in words. */
  readonly ring: string;
}

/** What one silo asks of another at an operator's word. Only members of the cluster are heard. */
export type AdminOperation =
  /** End the actor's activation here, if there is one. */
  | "deactivate"
  /** The same, and have it activated at `to`, to which those are sent that wait. */
  | "hand-over"
  /** Activate the actor here. */
  | "activate";

export interface AdminMessage {
  readonly kind: "admin";
  readonly request: number;
  readonly operation: AdminOperation;
  readonly type: string;
  readonly id: string;
  readonly to: Incarnation | undefined;
}

export interface AdministeredMessage {
  readonly kind: "administered";
  readonly request: number;
  readonly result: Administered;
}

/** `generation`: of the activation that was made, or has ended; 0 when there was none. */
export type Administered = { readonly status: "done"; readonly generation: number } | Refused;

export type Message =
  | CallMessage
  | CancelMessage
  | ReplyMessage
  | LocateMessage
  | LocatedMessage
  | ProbeMessage
  | DeathMessage
  | SuspectMessage
  | WaitsMessage
  | WaitingMessage
  | BreakMessage
  | AdminMessage
  | AdministeredMessage;

/** Why a call's actor cannot exist, or undefined. For messages from outside, whose ids nobody has checked. */
export function addressProblem(type: string, id: string): string | undefined {
  if (!isActorType(type)) return `an actor type must match [A-Za-z][A-Za-z0-9_.-]{0,63}`;
  return actorIdProblem(id);
}

/**
 * What makes a call the same call however often it is sent: any string; or a sender that numbers its calls, each with a higher
 * number than the one before. A sender costs the actor one record, however many calls it makes; a string one each.
 */
export type IdempotencyKey = string | SenderSequence;

export interface SenderSequence {
  /** A name of the sender's own, at most 256 bytes: for each actor its numbers rise. */
  readonly sender: string;
  /** A whole number, at least 0. */
  readonly sequence: number;
}

export const MAX_KEY_BYTES = 256;

/** Why `key` is no idempotency key, or undefined when it is one. Checked where it is given and where it arrives. */
export function keyProblem(key: unknown): string | undefined {
  if (typeof key !== "object" || key === null) return nameProblem("idempotencyKey", key);
  const { sender, sequence, ...others } = key as Readonly<Record<string, unknown>>;
  const [other] = Object.keys(others);
  if (other !== undefined)
    return `idempotencyKey must be a string or { sender, sequence }; it has '${other}' besides`;
  if (typeof sequence !== "number" || !Number.isSafeInteger(sequence) || sequence < 0)
    return `idempotencyKey.sequence must be a whole number from 0 on, not ${describe(sequence)}`;
  return nameProblem("idempotencyKey.sender", sender);
}

function nameProblem(what: string, name: unknown): string | undefined {
  if (typeof name !== "string" || name.length === 0 || !name.isWellFormed())
    return `${what} must be a non-empty string of well-formed Unicode, not ${describe(name)}`;
  return Buffer.byteLength(name) > MAX_KEY_BYTES
    ? `${what} has at most ${MAX_KEY_BYTES} bytes in UTF-8`
    : undefined;
}

/** The key in words. */
export function keyText(key: IdempotencyKey): string {
  return typeof key === "string" ? `'${key}'` : `${key.sequence} of sender '${key.sender}'`;
}
