// silo.admin: what an operator may ask of any silo about any actor of the cluster.
//   Z1. A bad name is a typed error, before anything is changed: of an actor, of a type, of a silo.
//   Z2. Every wait has an end: the time of a call.
import { addressOf, errorOf, type Unanswered } from "@tenure/client/internal";
import type { ActorClass } from "@tenure/core";
import {
  type ActorAddress,
  ActorTypeNotFoundError,
  type Administered,
  CallTimeoutError,
  type Clock,
  formatActor,
  InvalidArgumentError,
  type Incarnation,
  type MemberRecord,
  SiloNotFoundError,
  SiloUnavailableError,
} from "@tenure/core/internal";
import type { Administration, Order } from "./administration.ts";
import type { ActorExplanation, Overview } from "./overview.ts";

/** What an operator may do with single actors. Any silo may be asked; it need not have the actor, nor its class. */
export interface SiloAdmin {
  /**
   * Ends the actor's activation, wherever it is, after the turns that run there. The actor's next call activates it again. Answers
   * whether there was an activation.
   * @throws ActorTypeNotFoundError when no live silo has the class.
   */
  deactivate(actor: Pick<ActorClass, "actor"> | string, id: string): Promise<boolean>;
  /**
   * Has the actor activated at the silo of this name: its activation elsewhere ends after the turns that run there, its state is
   * saved, and the silo loads it. Calls that wait are sent there. An actor that has no activation gets one. Where the class's
   * placement would have put the actor does not matter, until it is activated anew.
   * @throws SiloNotFoundError when no live silo of that name has the class, ActorTypeNotFoundError when none at all has it.
   */
  move(actor: Pick<ActorClass, "actor"> | string, id: string, silo: string): Promise<void>;
  /** Who owns the actor and since which claim, the claims before, and what this silo has of it. Changes nothing. */
  explain(actor: Pick<ActorClass, "actor"> | string, id: string): Promise<ActorExplanation>;
}

export interface AdminHost {
  readonly clock: Clock;
  /** How long an operation may take. */
  readonly timeoutMs: number;
  /** Of the silo's incarnation; undefined while it is between two. */
  parts(): { readonly administration: Administration; readonly overview: Overview } | undefined;
}

/** Calls may activate the actor elsewhere while it is between two silos: how often that is made good. */
const MAX_ROUNDS = 4;

export function siloAdmin(host: AdminHost): SiloAdmin {
  return {
    deactivate: async (actor, id) => await deactivate(host, oneActor(host, actor, id)),
    move: async (actor, id, silo) => await move(host, oneActor(host, actor, id), silo),
    explain: async (actor, id) => {
      const address = oneActor(host, actor, id);
      const explanation = await partsOf(host).overview.explain(address);
      if (explanation.generation === 0) await checkType(host, address);
      return explanation;
    },
  };
}

function oneActor(
  host: AdminHost,
  actor: Pick<ActorClass, "actor"> | string,
  id: string,
): ActorAddress {
  const address = addressOf(actor, id);
  if (!partsOf(host).overview.isStateless(address.type)) return address;
  throw new InvalidArgumentError(`${address.type} is stateless: it has no actors of its own`, {
    outcome: "not-executed",
  });
}

async function deactivate(host: AdminHost, actor: ActorAddress): Promise<boolean> {
  const { overview } = partsOf(host);
  const owner = await overview.ownerOf(actor);
  if (owner === undefined) {
    await checkType(host, actor);
    return false;
  }
  const done = await order(host, owner, { operation: "deactivate", actor }, until(host));
  return done.generation > 0;
}

async function move(host: AdminHost, actor: ActorAddress, name: string): Promise<void> {
  const { overview } = partsOf(host);
  const target = await siloNamed(host, actor, name);
  const untilMs = until(host);
  let why = "";
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const owner = await overview.ownerOf(actor);
    if (owner === target) return;
    if (owner === undefined) why = await activateAt(host, target, actor, untilMs);
    else await order(host, owner, { operation: "hand-over", actor, to: target }, untilMs);
  }
  if ((await overview.ownerOf(actor)) === target) return;
  throw new SiloUnavailableError(
    `${formatActor(actor)} was activated elsewhere each time that it was to move to ${name}${why && `: ${why}`}`,
    { outcome: "unknown" },
  );
}

/** One that another silo has activated meanwhile, or is to, is looked for again. Answers why the target did not. */
async function activateAt(
  host: AdminHost,
  target: Incarnation,
  actor: ActorAddress,
  untilMs: number,
): Promise<string> {
  const answer = await ask(host, target, { operation: "activate", actor }, untilMs);
  if (answer.status === "refused" && answer.reason === "moved") return answer.message;
  doneOr(answer, actor, "activate");
  return "";
}

async function siloNamed(
  host: AdminHost,
  { type, id }: ActorAddress,
  name: string,
): Promise<Incarnation> {
  const hosts = await partsOf(host).overview.hostsOf(type, (silo) => silo.name === name);
  const target = hosts.find((silo) => silo.name === name);
  if (target) return target.incarnation;
  checkHosts(hosts, { type, id });
  const names = hosts.map((silo) => silo.name).toSorted();
  throw new SiloNotFoundError(
    `no silo named '${name}' that has the actor type '${type}' takes new actors; there are ${names.join(", ")}`,
    { details: { silo: name, type, silos: names } },
  );
}

async function checkType(host: AdminHost, actor: ActorAddress): Promise<void> {
  checkHosts(await partsOf(host).overview.hostsOf(actor.type, () => true), actor);
}

function checkHosts(hosts: readonly MemberRecord[], actor: ActorAddress): void {
  if (hosts.length > 0) return;
  throw new ActorTypeNotFoundError(`no serving silo has the actor type '${actor.type}'`, {
    outcome: "not-executed",
    details: { actor: formatActor(actor) },
  });
}

type Done = Extract<Administered, { status: "done" }>;

async function order(
  host: AdminHost,
  at: Incarnation,
  what: Order,
  untilMs: number,
): Promise<Done> {
  return doneOr(await ask(host, at, what, untilMs), what.actor, what.operation);
}

function doneOr(answer: Administered | Unanswered, actor: ActorAddress, operation: string): Done {
  const what = `${operation} ${formatActor(actor)}`;
  switch (answer.status) {
    case "done":
      return answer;
    case "silent":
      throw new CallTimeoutError(`${what}: not done in time; a turn may still run`, {
        outcome: "unknown",
      });
    case "refused":
    case "undeliverable":
    case "not-connected":
      throw errorOf(answer, what, { outcome: "not-executed" });
  }
}

/** Silent, when the time is up: also where the silo itself is asked (Z2). */
async function ask(
  host: AdminHost,
  at: Incarnation,
  what: Order,
  untilMs: number,
): Promise<Administered | Unanswered> {
  const { clock } = host;
  const withinMs = Math.max(1, untilMs - clock.monotonicMs());
  const answer = partsOf(host).administration.order(at, what, withinMs);
  return await new Promise((resolve, reject) => {
    const timer = clock.after(withinMs, () => resolve({ status: "silent" }), { keepAlive: true });
    void answer.then(resolve, reject).finally(() => timer.cancel());
  });
}

function until({ clock, timeoutMs }: AdminHost): number {
  return clock.monotonicMs() + timeoutMs;
}

function partsOf(host: AdminHost): NonNullable<ReturnType<AdminHost["parts"]>> {
  const parts = host.parts();
  if (parts) return parts;
  throw new SiloUnavailableError("this silo is no member of the cluster now", {
    outcome: "not-executed",
  });
}
