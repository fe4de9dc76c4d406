// What goes wrong in one round, and when, as data drawn from a seed.
//   N1. A pure function of the seed and of what there is to break.
//   N2. Strikes come one after the other, with calm between them; a strike is one fault or two at once.
//   N3. Two faults of a strike have different targets: a stopped silo cannot be killed as well.
//   N4. Every fault ends by itself.
import type { Random } from "@tenure/core/internal";
import type { LinkFault } from "./tcp-fault-proxy.ts";

export type ServerName = "nats" | "directory" | "storage";

export type Fault =
  /** SIGKILL; started again some time later. */
  | { readonly kind: "kill"; readonly silo: string; readonly forMs: number }
  /** SIGTERM: hands its actors over; started again likewise. */
  | { readonly kind: "drain"; readonly silo: string; readonly forMs: number }
  /** SIGSTOP, then SIGCONT. */
  | { readonly kind: "stop"; readonly silo: string; readonly forMs: number }
  /** Its event loop stands still. */
  | { readonly kind: "block"; readonly silo: string; readonly forMs: number }
  /** SIGKILL of a server; started again with its data. */
  | { readonly kind: "server-killed"; readonly server: ServerName; readonly forMs: number }
  | { readonly kind: "server-frozen"; readonly server: ServerName; readonly forMs: number }
  /** Started again without its data. */
  | { readonly kind: "server-emptied"; readonly server: ServerName; readonly forMs: number }
  /** The connections of one process to one server. */
  | {
      readonly kind: "link";
      readonly who: string;
      readonly server: ServerName;
      readonly fault: LinkFault;
      readonly forMs: number;
    }
  /** Packets from one namespace to another vanish; the other way, too, unless it is one-way. */
  | {
      readonly kind: "partition";
      readonly from: string;
      readonly to: string;
      readonly oneWay: boolean;
      readonly forMs: number;
    }
  /** A busy process per core. */
  | { readonly kind: "cpu"; readonly forMs: number };

export type FaultKind = Fault["kind"];

export interface Strike {
  /** Calm before it. */
  readonly afterMs: number;
  readonly faults: readonly { readonly offsetMs: number; readonly fault: Fault }[];
}

export interface Targets {
  readonly silos: readonly string[];
  readonly clients: readonly string[];
  readonly ttlMs: number;
  readonly kinds: readonly FaultKind[];
}

export const PROXIED_KINDS: readonly FaultKind[] = [
  "kill",
  "drain",
  "stop",
  "block",
  "server-killed",
  "server-frozen",
  "server-emptied",
  "link",
  "link",
  "cpu",
];

const SERVERS: readonly ServerName[] = ["nats", "directory", "storage"];

export function drawSchedule(random: Random, strikes: number, targets: Targets): readonly Strike[] {
  return Array.from({ length: strikes }, (_, index) => {
    const first = drawFault(random, targets);
    const faults = [{ offsetMs: 0, fault: first }];
    // Every round has a strike of two.
    if (index === 0 || random.next() < 0.6) {
      let second = drawFault(random, targets);
      while (targetOf(second) === targetOf(first)) second = drawFault(random, targets);
      faults.push({ offsetMs: whole(random, 0, first.forMs * 0.8), fault: second });
    }
    return { afterMs: whole(random, targets.ttlMs / 4, targets.ttlMs), faults };
  });
}

/** N3 */
export function targetOf(fault: Fault): string {
  switch (fault.kind) {
    case "kill":
    case "drain":
    case "stop":
    case "block":
      return fault.silo;
    case "server-killed":
    case "server-frozen":
    case "server-emptied":
      return fault.server;
    case "link":
      return `${fault.who}–${fault.server}`;
    case "partition":
      return [fault.from, fault.to].toSorted().join("–");
    case "cpu":
      return "cpu";
  }
}

export function describeFault(fault: Fault): string {
  const { kind, ...about } = fault;
  return `${kind} ${Object.entries(about)
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ")}`;
}

export function describeSchedule(schedule: readonly Strike[]): readonly string[] {
  return schedule.map(
    ({ afterMs, faults }, index) =>
      `strike ${index + 1}, after ${afterMs} ms: ${faults
        .map(
          ({ offsetMs, fault }) =>
            `${describeFault(fault)}${offsetMs > 0 ? ` (${offsetMs} ms in)` : ""}`,
        )
        .join(" + ")}`,
  );
}

function drawFault(random: Random, { silos, clients, ttlMs, kinds }: Targets): Fault {
  const kind = of(random, kinds);
  const silo = of(random, silos);
  const server = of(random, SERVERS);
  // Just under, just over and well over a lease.
  const forMs = Math.round(ttlMs * of(random, [0.4, 0.9, 1.4, 2.5]) * (0.8 + 0.4 * random.next()));
  switch (kind) {
    case "kill":
    case "drain":
    case "stop":
    case "block":
      return { kind, silo, forMs };
    case "server-killed":
    case "server-frozen":
    case "server-emptied":
      return { kind, server, forMs };
    case "link": {
      const who = of(random, [...silos, ...silos, ...clients]);
      const linked = clients.includes(who) ? "nats" : server;
      return { kind, who, server: linked, fault: drawLinkFault(random, ttlMs), forMs };
    }
    case "partition": {
      const from = of(random, [...silos, ...silos, ...clients]);
      const to = clients.includes(from) ? "nats" : server;
      const oneWay = random.next() < 0.5;
      return random.next() < 0.5
        ? { kind, from, to, oneWay, forMs }
        : { kind, from: to, to: from, oneWay, forMs };
    }
    case "cpu":
      return { kind, forMs };
  }
}

function drawLinkFault(random: Random, ttlMs: number): LinkFault {
  const faults: readonly LinkFault[] = [
    { kind: "delay", ms: whole(random, 5, ttlMs / 4) },
    { kind: "cut" },
    { kind: "one-way", lost: random.next() < 0.5 ? "up" : "down" },
    { kind: "half-open" },
    { kind: "trickle", bytes: whole(random, 1, 40), everyMs: whole(random, 1, 10) },
    { kind: "replies-dropped" },
  ];
  return of(random, faults);
}

function of<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)]!;
}

function whole(random: Random, least: number, most: number): number {
  return Math.round(least + random.next() * (most - least));
}
