// What is stored may be of newer code than this silo has: another version of the class, or another format. It is for the silos
// that have that code (ADR 0017).
//   K1. It is recognised by the first bytes alone, before anything of it is decoded, and no byte of it is changed.
//   K2. The claim is given back before anybody is told where to go: who comes there finds the actor free.
//   K3. Which silos have a version of a class, the member records say. Of a newer format they say nothing: any other silo that
//       has the class may know it, and passes it on if not.
//   K4. Where nobody is known the call waits, as it does for a role that nobody has: a deployment may be on its way.
import { type ActorAddress, formatActor, type LoadAnswer, STATE_PART } from "@tenure/core/internal";
import type { Claim } from "@tenure/directory/internal";
import type { StartDeps, Started } from "./start-activation.ts";
import { stateHeader } from "./state-format.ts";

export interface NewerCode {
  /** The least version of the class that will do; undefined where that is not known (K3). */
  readonly version: number | undefined;
  /** What is newer, in words. */
  readonly what: string;
}

/** Undefined when this silo's code is new enough, or when it cannot tell. */
export function newerCode(answer: LoadAnswer, version: number): NewerCode | undefined {
  if (!answer.ok)
    return answer.refusal === "newer-format"
      ? { version: undefined, what: `a row of format ${answer.format}` }
      : undefined;
  const bytes = answer.row.parts.get(STATE_PART);
  if (!bytes) return undefined;
  const header = stateHeader(bytes);
  if (header.kind === "newer-format")
    return { version: undefined, what: `state of format ${header.format}` };
  return header.kind === "known" && header.version > version
    ? { version: header.version, what: `state of version ${header.version}` }
    : undefined;
}

/** Gives the actor up for a silo that knows what is stored of it. */
export async function passOn(
  actor: ActorAddress,
  claim: Claim,
  newer: NewerCode,
  deps: StartDeps,
): Promise<Started> {
  await deps.ownership.release(actor, claim.token); // K2
  const to = await deps.knowing(actor, newer.version);
  const problem = `${formatActor(actor)} has ${newer.what}, and this silo's class version ${deps.version}`;
  deps.emit({ type: "activation.outdated", actor, problem, to });
  return to === undefined
    ? { kind: "unavailable", why: `${problem}; no silo is known that has newer code` } // K4
    : // Above the claim that was given back: newer than what any caller knows (R26).
      { kind: "elsewhere", silo: to, generation: claim.generation + 1, why: problem };
}
