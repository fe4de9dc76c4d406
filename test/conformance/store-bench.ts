// What the tests of a store's faults share: an environment, things to undo after a test, and requests of one silo for one
// actor.
import {
  type ClaimRequest,
  type Directory,
  type EventBody,
  type PortEnvironment,
  type SaveRequest,
  StoreUnavailableError,
  systemClock,
  systemRandom,
} from "@tenure/core/internal";

export const ME = "a".repeat(32);
export const ACTOR = { type: "Cart", id: "alice" };

const undo: (() => Promise<void>)[] = [];

/** To be undone after the test. */
export function atEnd(step: () => Promise<void>): void {
  undo.push(step);
}

/** For `afterEach`: ends what the test started, the newest first. */
export async function cleanUp(): Promise<void> {
  for (const step of undo.splice(0).toReversed()) await step();
}

export const environment: PortEnvironment = {
  cluster: "faults",
  clock: systemClock(),
  random: systemRandom(),
  emit: () => {},
  leaseTtlMs: 4_000,
  openTimeoutMs: 8_000,
  durability: "default",
};

export async function join(directory: Directory): Promise<void> {
  const { answer } = await directory.register({
    incarnation: ME,
    name: "north",
    types: { Cart: 1 },
    roles: [],
    protocol: 1,
    proposedStoreId: "5".repeat(32),
    bootstrap: true,
  });
  if (!answer.ok) throw new Error(`not registered: ${answer.refusal}`);
}

export function claim(id: string, token: string): ClaimRequest {
  const actor = { type: "Cart", id };
  return { actor, incarnation: ME, token, expected: "free", floor: 0, reason: "call" };
}

export function save(changes: Partial<SaveRequest> = {}): SaveRequest {
  const put = new Map([["state", Buffer.from("state")]]);
  const base = {
    actor: ACTOR,
    generation: 1,
    token: "t1",
    etag: "",
    newEtag: "e1",
    due: undefined,
  };
  return { ...base, put, del: [], ...changes };
}

/** The next event of a type. */
export function nextEvent(type: EventBody["type"]): {
  emit: (event: EventBody) => void;
  seen: Promise<EventBody>;
} {
  let emit!: (event: EventBody) => void;
  const seen = new Promise<EventBody>((resolve) => {
    emit = (event) => {
      if (event.type === type) resolve(event);
    };
  });
  return { emit, seen };
}

/** Asks until it is answered; each refusal must be a StoreUnavailableError. */
export async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      // Waits for the connection, not for a time: a refusal comes back at once.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
