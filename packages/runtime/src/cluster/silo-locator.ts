// Where calls to an actor should go, as a silo finds it: its own catalog, then the directory, then placement.
//   Q1. The answer is a hint; the claim decides. A wrong one costs a redirect.
//   Q2. How an actor is placed, its class says. A silo that does not have it asks one that has, which never asks further.
//   Q3. A stateless class has no actors that could be anywhere: this silo if it has the class, else any that has.
//   Q4. An actor that is given up goes to a silo whose code can read its state: one with the same version of the class or a newer
//       one, where there is any (ADR 0017). A first call is placed anywhere: what is stored is known only when it is loaded.
//   Q5. A silo that knows of no other does not ask the directory who has an actor: it will claim it, and is told then.
import {
  type ActorAddress,
  type ActorKind,
  formatActor,
  type Incarnation,
  type Located,
  type LookupAnswer,
  type MemberRecord,
  type Random,
} from "@tenure/core/internal";
import type { Locator } from "@tenure/client/internal";
import type { Standing } from "@tenure/directory/internal";
import { refused } from "../activation/incoming-call.ts";
import { place, type Placed } from "../placement/placement.ts";

export interface LocatorHost {
  readonly self: Incarnation;
  readonly kinds: ReadonlyMap<string, ActorKind>;
  readonly random: Random;
  /** The generation of the actor's activation here, if there is one. */
  ownGeneration(actor: ActorAddress): number | undefined;
  takesNewActors(): boolean;
  lookup(actor: ActorAddress): Promise<LookupAnswer>;
  standing(incarnation: Incarnation): Promise<Standing>;
  alive(): readonly MemberRecord[];
  /** Asks another silo where an actor is. */
  ask(silo: Incarnation, actor: ActorAddress, avoid: Incarnation | undefined): Promise<Located>;
  /** Reads the member records again. */
  poll(): Promise<void>;
}

export class SiloLocator implements Locator {
  readonly #host: LocatorHost;

  constructor(host: LocatorHost) {
    this.#host = host;
  }

  /** At once, where nobody else has to be asked. */
  locate(actor: ActorAddress, avoid: Incarnation | undefined): Located | Promise<Located> {
    const own = this.#host.ownGeneration(actor);
    if (own !== undefined) return { status: "at", silo: this.#host.self, generation: own };
    return this.#host.kinds.get(actor.type)?.definition.stateless || // Q3
      this.#isAlone() // Q5
      ? this.#placed(actor, avoid, 0)
      : this.#lookUp(actor, avoid);
  }

  async #lookUp(actor: ActorAddress, avoid: Incarnation | undefined): Promise<Located> {
    const answer = await this.#host.lookup(actor);
    if (!answer.ok)
      return refused(
        "activation-failed",
        `the directory entry of ${formatActor(actor)} is damaged: ${answer.problem}`,
      );
    const { entry } = answer;
    if (entry && !entry.free) {
      const { incarnation: silo, generation } = entry;
      const standing = await this.#host.standing(silo);
      if (standing === "lives") return { status: "at", silo, generation };
      if (standing === "missing")
        return refused(
          "unavailable",
          `the last owner of ${formatActor(actor)} has no member record; it moves when that has lasted a whole lease`,
        );
    }
    return await this.#placed(actor, avoid, entry?.generation ?? 0);
  }

  #placed(
    actor: ActorAddress,
    avoid: Incarnation | undefined,
    generation: number,
  ): Located | Promise<Located> {
    const placed = this.#place(actor, avoid);
    return placed.kind === "at"
      ? this.#located(placed, actor, avoid, generation)
      : this.#placedLater(actor, avoid, generation);
  }

  /** A silo that joined a moment ago is not in the view yet; nobody waits a whole round for that. */
  async #placedLater(
    actor: ActorAddress,
    avoid: Incarnation | undefined,
    generation: number,
  ): Promise<Located> {
    await this.#host.poll();
    return await this.#located(this.#place(actor, avoid), actor, avoid, generation);
  }

  #located(
    placed: Placed,
    actor: ActorAddress,
    avoid: Incarnation | undefined,
    generation: number,
  ): Located | Promise<Located> {
    const { kinds } = this.#host;
    switch (placed.kind) {
      case "at":
        if (kinds.has(actor.type)) return { status: "at", silo: placed.silo, generation };
        return this.#host.ask(placed.silo, actor, avoid); // Q2
      case "wrong":
        return refused(
          "activation-failed",
          `${formatActor(actor)} has no place: ${placed.problem}`,
        );
      case "nowhere":
        return this.#somebodyHas(actor.type)
          ? refused("no-silo", `no ${placed.wanted} that has '${actor.type}' takes new actors now`)
          : refused("unknown-type", `no serving silo has the actor type '${actor.type}'`);
    }
  }

  /** Where the actor would be placed if not here. */
  successor(actor: ActorAddress): Incarnation | undefined {
    const version = this.#host.kinds.get(actor.type)?.definition.version ?? 1;
    const others = this.#others(actor, version); // Q4
    const placed = this.#among(actor, others.length > 0 ? others : this.#others(actor, 1));
    return placed.kind === "at" ? placed.silo : undefined;
  }

  /** Another silo that has at least this version of the actor's class, or, where none is named, the class at all. */
  async knowing(actor: ActorAddress, version: number = 1): Promise<Incarnation | undefined> {
    let others = this.#others(actor, version);
    if (others.length === 0) {
      // A deployment that has just begun is not in the view yet.
      await this.#host.poll();
      others = this.#others(actor, version);
    }
    let placed = this.#among(actor, others);
    // A placement function may insist on a silo that cannot have the actor now.
    if (placed.kind === "wrong")
      placed = place(actor, "balanced", others, this.#host.self, () => this.#host.random.next());
    return placed.kind === "at" ? placed.silo : undefined;
  }

  #others(actor: ActorAddress, version: number): readonly MemberRecord[] {
    const { self } = this.#host;
    return this.#candidates(actor).filter(
      ({ incarnation, types }) => incarnation !== self && types[actor.type]! >= version,
    );
  }

  #candidates(actor: ActorAddress): readonly MemberRecord[] {
    return this.#host
      .alive()
      .filter(
        (member) =>
          member.types[actor.type] !== undefined &&
          (member.incarnation !== this.#host.self || this.#host.takesNewActors()),
      );
  }

  #place(actor: ActorAddress, avoid: Incarnation | undefined): Placed {
    const all = this.#candidates(actor);
    const willing = all.filter((member) => member.incarnation !== avoid);
    const placed = this.#among(actor, willing);
    return placed.kind === "at" || willing.length === all.length ? placed : this.#among(actor, all);
  }

  /** Without the class: any silo that has it, to be asked (Q2). */
  #among(actor: ActorAddress, silos: readonly MemberRecord[]): Placed {
    const { self, kinds, random } = this.#host;
    const placement = kinds.get(actor.type)?.definition.placement ?? "random";
    return place(actor, placement, silos, self, () => random.next());
  }

  #isAlone(): boolean {
    const alive = this.#host.alive();
    return alive.length === 1 && alive[0]!.incarnation === this.#host.self;
  }

  #somebodyHas(type: string): boolean {
    return (
      this.#host.kinds.has(type) ||
      this.#host.alive().some((member) => member.types[type] !== undefined)
    );
  }
}
